import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const connectors = [
  createRoute({
    getParentRoute: () => root,
    path: "/connectors",
    component: lazyRouteComponent(() => import("./page"), "ConnectorsPage"),
  }),
] as const;
