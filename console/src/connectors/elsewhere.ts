import type { LinkProps } from "@tanstack/react-router";

type Place = Pick<LinkProps, "to" | "params" | "search">;

/** The form of a connection to this connector. */
export function newConnection(connector: string): Place {
  return { to: "/connections/new", search: { connector } } as unknown as Place;
}

export function connectionPage(key: string): Place {
  return { to: "/connections/$key", params: { key } } as unknown as Place;
}

export function integrationPage(key: string): Place {
  return { to: "/integrations/$key", params: { key } } as unknown as Place;
}

/** One exchange in the live log. */
export function exchangePage(id: string): Place {
  return { to: "/live/$id", params: { id } } as unknown as Place;
}
