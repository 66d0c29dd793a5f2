import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "~/shell/root";

const text = (it: unknown) => (typeof it === "string" && it !== "" ? it : undefined);

/** What is in an address, without what is not: `undefined` never stands in it. */
function kept<K extends string>(search: Record<string, unknown>, ...names: K[]): { [N in K]?: string } {
  const found: { [N in K]?: string } = {};
  for (const name of names) {
    const value = text(search[name]);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

export type Way = "openapi" | "catalogue" | "hand";

const list = createRoute({
  getParentRoute: () => root,
  path: "/connectors",
  validateSearch: (search: Record<string, unknown>) => kept(search, "q"),
  component: lazyRouteComponent(() => import("./page"), "ConnectorsPage"),
});

const made = createRoute({
  getParentRoute: () => root,
  path: "/new/connector",
  validateSearch: (search: Record<string, unknown>) => kept(search, "way", "q") as { way?: Way; q?: string },
  component: lazyRouteComponent(() => import("./new/page"), "NewConnectorPage"),
});

const one = createRoute({
  getParentRoute: () => root,
  path: "/connectors/$key",
  validateSearch: (search: Record<string, unknown>) => kept(search, "tab", "q"),
  component: lazyRouteComponent(() => import("./connector"), "ConnectorPage"),
});

const edited = createRoute({
  getParentRoute: () => root,
  path: "/connectors/$key/edit",
  component: lazyRouteComponent(() => import("./edit"), "EditConnectorPage"),
});

const method = createRoute({
  getParentRoute: () => root,
  path: "/connectors/$key/auth/$method",
  component: lazyRouteComponent(() => import("./method"), "EditMethodPage"),
});

const newMethod = createRoute({
  getParentRoute: () => root,
  path: "/connectors/$key/new-auth",
  component: lazyRouteComponent(() => import("./method"), "NewMethodPage"),
});

/** Who sends what is tried out stands in the address, so that a link to it can be handed on. */
const asWhom = (search: Record<string, unknown>) =>
  kept(search, "connection", "tenant", "as") as {
    connection?: string;
    tenant?: string;
    as?: "test";
  };

const tried = createRoute({
  getParentRoute: () => root,
  path: "/connectors/$key/try",
  validateSearch: asWhom,
  component: lazyRouteComponent(() => import("./try/page"), "TryPage"),
});

const triedEndpoint = createRoute({
  getParentRoute: () => root,
  path: "/connectors/$key/try/$endpoint",
  validateSearch: asWhom,
  component: lazyRouteComponent(() => import("./try/page"), "TryEndpointPage"),
});

export const connectors = [list, made, one, edited, method, newMethod, tried, triedEndpoint] as const;
