import { createRoute, createRouter, redirect } from "@tanstack/react-router";
import { connections } from "./connections/routes";
import { connectors } from "./connectors/routes";
import { environments } from "./environments/routes";
import { integrations } from "./integrations/routes";
import { live } from "./live/routes";
import { settings } from "./settings/routes";
import { Broken } from "./shell/broken";
import { root } from "./shell/root";
import { users } from "./users/routes";
import { webhooks } from "./webhooks/routes";

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/connectors", replace: true });
  },
});

/** The map of the console: each room has its own addresses. */
const tree = root.addChildren([
  home,
  ...connectors,
  ...connections,
  ...integrations,
  ...users,
  ...environments,
  ...webhooks,
  ...live,
  ...settings,
]);

export const router = createRouter({
  routeTree: tree,
  scrollRestoration: true,
  defaultPreload: false,
  defaultErrorComponent: Broken,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
