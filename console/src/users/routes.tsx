import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const users = [
  createRoute({
    getParentRoute: () => root,
    path: "/users",
    validateSearch: (search: Record<string, unknown>): { q?: string } => (search.q ? { q: String(search.q) } : {}),
    component: lazyRouteComponent(() => import("./page"), "UsersPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/users/$tenant",
    validateSearch: (search: Record<string, unknown>): { tab?: string; connection?: string } => ({
      ...(search.tab ? { tab: String(search.tab) } : {}),
      ...(search.connection ? { connection: String(search.connection) } : {}),
    }),
    component: lazyRouteComponent(() => import("./tenant-page"), "TenantPage"),
  }),
] as const;
