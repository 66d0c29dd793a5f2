import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { json } from "~/api/client";
import type { Page } from "~/api/pages";
import type { Exchange } from "~/api/schema";
import { sessionQuery } from "~/api/session";
import { asQuery, type Filters } from "./filters";
import { idOf, merged } from "./merge";
import { type Followed, follow } from "./stream";

/** Rows that a page keeps: what is older is asked for by its id. */
export const MOST = 500;
/** How many are asked for at first; and at once where a stream broke off and some were missed. */
const FIRST = 100;
const MISSED = 200;
/** How often rows that came in are drawn, in ms: a page that is redrawn with each of hundreds a second is no use. */
const STROKE_MS = 250;
/** How long it is said that some were left out, in ms. */
const SKIPPED_MS = 30_000;

/** The last exchanges, as far back as those that are known already. */
async function before(query: string, known: Exchange[]): Promise<Exchange[]> {
  const ids = new Set(known.map(idOf));
  const items: Exchange[] = [];
  let cursor = "";
  do {
    const search = new URLSearchParams(query);
    search.set("limit", String(known.length > 0 ? MISSED : FIRST));
    if (cursor) search.set("cursor", cursor);
    const page = await json<Page<Exchange>>("GET", `/v1/exchanges?${search}`);
    items.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor && known.length > 0 && items.length < MOST && !items.some((it) => ids.has(idOf(it))));
  return items;
}

/** The last exchanges, and each that comes, as long as somebody looks at the page. */
export function useLive(filters: Filters) {
  const query = asQuery(filters);
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [state, setState] = useState<Followed>("lost");
  const [error, setError] = useState<string>();
  const [skipped, setSkipped] = useState(0);
  const [pending, setPending] = useState(true);
  const [paused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const held = useRef(false);
  held.current = paused;
  // The page outlives a session that ends: who signs in again goes on with it.
  const { data: session } = useQuery(sessionQuery);
  const isIn = session?.signed_in === true;

  useEffect(() => {
    if (!isIn) return;
    let isOver = false;
    let shown: Exchange[] = [];
    let fresh: Exchange[] = [];
    let skippedAt = 0;
    setExchanges([]);
    setSkipped(0);
    setWaiting(0);
    setPending(true);
    // With nothing shown yet, what there is is shown, held or not.
    const draw = () => {
      if (skippedAt && Date.now() - skippedAt > SKIPPED_MS) {
        skippedAt = 0;
        setSkipped(0);
      }
      if (fresh.length === 0) return;
      if (held.current && shown.length > 0) return setWaiting(fresh.length);
      shown = merged(shown, fresh, MOST);
      fresh = [];
      setExchanges(shown);
      setWaiting(0);
    };
    const catchUp = async () => {
      try {
        const known = shown.length > 0 ? shown : fresh;
        const items = await before(query, known);
        const ids = new Set(shown.map(idOf));
        fresh = merged(
          fresh,
          items.filter((it) => !ids.has(idOf(it))),
          MOST,
        );
      } catch (told) {
        if (!isOver) setError(told instanceof Error ? told.message : String(told));
      }
      if (isOver) return;
      draw();
      setPending(false);
    };
    let stop = () => {};
    // Nobody looks at a page that is hidden, and browsers have few links for all of them together.
    const turn = () => {
      stop();
      stop = () => {};
      if (document.hidden) return;
      // First the stream, then what was before it: nothing falls between the two.
      stop = follow(`/v1/exchanges/stream${query && `?${query}`}`, {
        onEvent: ({ event, data }) => {
          if (event === "exchange") fresh = [JSON.parse(data) as Exchange, ...fresh].slice(0, MOST);
          if (event === "skipped") {
            skippedAt = Date.now();
            setSkipped((it) => it + (JSON.parse(data) as { count: number }).count);
          }
        },
        onState: (now, told) => {
          setState(now);
          setError(told instanceof Error ? told.message : undefined);
          if (now === "open") void catchUp();
          if (now === "refused") setPending(false);
        },
      });
    };
    turn();
    document.addEventListener("visibilitychange", turn);
    const stroke = setInterval(draw, STROKE_MS);
    return () => {
      isOver = true;
      stop();
      document.removeEventListener("visibilitychange", turn);
      clearInterval(stroke);
    };
  }, [query, isIn]);

  return { exchanges, state, error, skipped, pending, paused, waiting, turn: () => setPaused((it) => !it) };
}
