import { infiniteQueryOptions } from "@tanstack/react-query";
import { json } from "./client";

/** A page of any list of the API. */
export interface Page<T> {
  items: T[];
  next?: string | null;
}

/** A list, page by page: `query` leaves out what is undefined or empty. */
export function listQuery<T>(
  path: string,
  query: Record<string, string | number | boolean | undefined> = {},
  limit = 50,
) {
  const given = Object.entries(query).filter(([, it]) => it !== undefined && it !== "");
  return infiniteQueryOptions({
    queryKey: ["list", path, Object.fromEntries(given)],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams(given.map(([name, it]) => [name, String(it)]));
      search.set("limit", String(limit));
      if (pageParam) search.set("cursor", pageParam);
      return json<Page<T>>("GET", `${path}?${search}`, undefined, {}, signal);
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next || undefined,
    select: (it) => ({ items: it.pages.flatMap((page) => page.items) }),
  });
}

/** Pages that are read anew again and again, at most: who has scrolled further reads, and does not wait for news. */
const FOLLOWED_PAGES = 2;

/** Reads a list anew every so many ms, as long as it is short. */
export function every(ms: number) {
  return ({ state }: { state: { data?: { pages: unknown[] } | undefined } }) =>
    (state.data?.pages.length ?? 0) > FOLLOWED_PAGES ? false : ms;
}

/** All of a list that is known to be short (a connector's auth methods, the environments), at most `most` items. */
export async function all<T>(path: string, most = 1000): Promise<T[]> {
  const items: T[] = [];
  let cursor = "";
  do {
    const search = new URLSearchParams({ limit: "200", ...(cursor ? { cursor } : {}) });
    const page = await json<Page<T>>("GET", `${path}${path.includes("?") ? "&" : "?"}${search}`);
    items.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor && items.length < most);
  return items;
}

/** A part of a path, escaped: keys and tenants. */
export function part(text: string): string {
  return encodeURIComponent(text);
}
