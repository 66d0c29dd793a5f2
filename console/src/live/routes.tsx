import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const live = [
  createRoute({
    getParentRoute: () => root,
    path: "/live",
    component: lazyRouteComponent(() => import("./page"), "LivePage"),
  }),
] as const;
