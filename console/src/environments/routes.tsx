import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const environments = [
  createRoute({
    getParentRoute: () => root,
    path: "/environments",
    validateSearch: (search: Record<string, unknown>): { q?: string } => (search.q ? { q: String(search.q) } : {}),
    component: lazyRouteComponent(() => import("./page"), "EnvironmentsPage"),
  }),
] as const;
