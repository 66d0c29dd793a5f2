import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const environments = [
  createRoute({
    getParentRoute: () => root,
    path: "/environments",
    component: lazyRouteComponent(() => import("./page"), "EnvironmentsPage"),
  }),
] as const;
