import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { root } from "~/shell/root";
import { auditSearch } from "./audit-search";

export const settings = [
  createRoute({
    getParentRoute: () => root,
    path: "/settings",
    beforeLoad: () => {
      throw redirect({ to: "/settings/callers", replace: true });
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings/callers",
    validateSearch: (search: Record<string, unknown>): { q?: string } => (search.q ? { q: String(search.q) } : {}),
    component: lazyRouteComponent(() => import("./callers"), "CallersPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings/operators",
    component: lazyRouteComponent(() => import("./operators"), "OperatorsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings/keys",
    component: lazyRouteComponent(() => import("./keys"), "KeysPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings/audit",
    validateSearch: auditSearch,
    component: lazyRouteComponent(() => import("./audit"), "AuditPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings/configuration",
    component: lazyRouteComponent(() => import("./configuration"), "ConfigurationPage"),
  }),
] as const;
