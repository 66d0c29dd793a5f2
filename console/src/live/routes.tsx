import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";
import { filtersOf } from "./filters";

export const live = [
  createRoute({
    getParentRoute: () => root,
    path: "/live",
    validateSearch: filtersOf,
    component: lazyRouteComponent(() => import("./page"), "LivePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/live/$id",
    component: lazyRouteComponent(() => import("./exchange-page"), "ExchangePage"),
  }),
] as const;
