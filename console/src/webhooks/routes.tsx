import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";
import { webhookSearch } from "./search";

export const webhooks = [
  createRoute({
    getParentRoute: () => root,
    path: "/webhooks",
    validateSearch: webhookSearch,
    component: lazyRouteComponent(() => import("./page"), "WebhooksPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/webhooks/deliveries/$id",
    component: lazyRouteComponent(() => import("./delivery-page"), "DeliveryPage"),
  }),
] as const;
