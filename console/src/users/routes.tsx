import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

export const users = [
  createRoute({
    getParentRoute: () => root,
    path: "/users",
    component: lazyRouteComponent(() => import("./page"), "UsersPage"),
  }),
] as const;
