import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const connections = [
  createRoute({
    getParentRoute: () => root,
    path: "/connections",
    component: lazyRouteComponent(() => import("./page"), "ConnectionsPage"),
  }),
] as const;
