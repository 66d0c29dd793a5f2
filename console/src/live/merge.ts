import type { Exchange } from "~/api/schema";

type Told = Pick<Exchange, "request_id" | "time" | "total">;

/** What tells an exchange from others: its id alone does not, where callers bring ids of their own. */
export function idOf(it: Pick<Exchange, "request_id" | "time">): string {
  return `${it.request_id} ${it.time}`;
}

/** When it was over, in ms since 1970: in this order they are told. */
function end(it: Told): number {
  return new Date(it.time).getTime() + it.total;
}

/** Both, each once, those that ended last first, and of all of them no more than `most`. */
export function merged<T extends Told>(shown: T[], more: T[], most: number): T[] {
  const all = new Map([...more, ...shown].map((it) => [idOf(it), it]));
  return [...all.values()]
    .map((it) => ({ it, at: end(it) }))
    .sort((a, b) => b.at - a.at)
    .slice(0, most)
    .map(({ it }) => it);
}
