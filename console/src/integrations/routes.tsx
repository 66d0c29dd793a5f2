import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const integrations = [
  createRoute({
    getParentRoute: () => root,
    path: "/integrations",
    component: lazyRouteComponent(() => import("./page"), "IntegrationsPage"),
  }),
] as const;
