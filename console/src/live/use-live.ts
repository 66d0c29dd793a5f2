import { useEffect, useRef, useState } from "react";
import { json } from "~/api/client";
import type { Page } from "~/api/pages";
import type { Exchange } from "~/api/schema";
import { asQuery, type Filters } from "./filters";
import { follow } from "./stream";

/** Rows that a page keeps: what is older is asked for by its id. */
const MOST = 500;
/** How often rows that came in are drawn, in ms: a page that is redrawn with each of hundreds a second is no use. */
const STROKE_MS = 250;

/** The last exchanges, and each that comes, as long as the page is open. */
export function useLive(filters: Filters) {
  const query = asQuery(filters);
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [state, setState] = useState<"open" | "lost">("lost");
  const [error, setError] = useState<string>();
  const [skipped, setSkipped] = useState(0);
  const [pending, setPending] = useState(true);
  const [paused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const fresh = useRef<Exchange[]>([]);
  const held = useRef(false);
  held.current = paused;

  useEffect(() => {
    let isOver = false;
    fresh.current = [];
    setExchanges([]);
    setSkipped(0);
    setWaiting(0);
    setPending(true);
    const merge = (more: Exchange[]) =>
      setExchanges((before) => {
        const known = new Set(more.map((it) => it.request_id));
        return [...more, ...before.filter((it) => !known.has(it.request_id))].slice(0, MOST);
      });
    const before = async () => {
      try {
        const page = await json<Page<Exchange>>("GET", `/v1/exchanges?limit=100${query && `&${query}`}`);
        if (!isOver)
          setExchanges((now) =>
            [...now, ...page.items.filter((it) => !now.some((other) => other.request_id === it.request_id))].slice(
              0,
              MOST,
            ),
          );
      } catch (told) {
        if (!isOver) setError(told instanceof Error ? told.message : String(told));
      }
      if (!isOver) setPending(false);
    };
    // First the stream, then what was before it: nothing falls between the two.
    const stop = follow(`/v1/exchanges/stream${query && `?${query}`}`, {
      onEvent: ({ event, data }) => {
        if (event === "exchange") fresh.current = [JSON.parse(data) as Exchange, ...fresh.current].slice(0, MOST);
        if (event === "skipped") setSkipped((it) => it + (JSON.parse(data) as { count: number }).count);
      },
      onState: (now, told) => {
        setState(now);
        setError(told instanceof Error ? told.message : undefined);
        if (now === "open") void before();
      },
    });
    const stroke = setInterval(() => {
      if (fresh.current.length === 0) return;
      if (held.current) return setWaiting(fresh.current.length);
      merge(fresh.current);
      fresh.current = [];
      setWaiting(0);
    }, STROKE_MS);
    return () => {
      isOver = true;
      stop();
      clearInterval(stroke);
    };
  }, [query]);

  return { exchanges, state, error, skipped, pending, paused, waiting, turn: () => setPaused((it) => !it) };
}
