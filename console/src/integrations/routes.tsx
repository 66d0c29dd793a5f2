import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const integrations = [
  createRoute({
    getParentRoute: () => root,
    path: "/integrations",
    validateSearch: (search: Record<string, unknown>): { q?: string } => (search.q ? { q: String(search.q) } : {}),
    component: lazyRouteComponent(() => import("./list"), "IntegrationsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/integrations/$key",
    component: lazyRouteComponent(() => import("./page"), "IntegrationPage"),
  }),
] as const;
