import type { LinkProps } from "@tanstack/react-router";

/** The form of a connection to this connector. */
export function newConnection(connector: string) {
  return { to: "/new/connection", search: { connector } } as const;
}

export function connectionPage(key: string) {
  return { to: "/connections/$key", params: { key } } as const;
}

/** The page of an integration. */
export function integrationPage(key: string) {
  return { to: "/integrations/$key", params: { key } } as unknown as Pick<LinkProps, "to" | "params">;
}

/** One exchange in the live log. */
export function exchangePage(id: string) {
  return { to: "/live/$id", params: { id } } as const;
}
