import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";
import { texts } from "./search";

export const connections = [
  createRoute({
    getParentRoute: () => root,
    path: "/connections",
    validateSearch: texts("q", "connector", "auth", "state", "embedded"),
    component: lazyRouteComponent(() => import("./list"), "ConnectionsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/new/connection",
    validateSearch: texts("connector", "integration", "environment", "alias", "auth"),
    component: lazyRouteComponent(() => import("./new"), "NewConnectionPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/consent",
    component: lazyRouteComponent(() => import("./consent"), "ConsentPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/connections/$key",
    validateSearch: texts("tab", "next"),
    component: lazyRouteComponent(() => import("./page"), "ConnectionPage"),
  }),
] as const;
