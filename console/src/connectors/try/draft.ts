import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { Tried } from "~/api/schema";
import type { Draft } from "./request";

interface Kept {
  draft: Draft;
  tried?: Tried;
  /** The connection that it went by. */
  by?: string | undefined;
}

/**
 * What is being written, kept while this page of the browser is open and somebody is signed in: whoever goes back finds
 * it as it was.
 */
export function useKept(connector: string, endpoint: string | undefined, start: () => Draft) {
  const queries = useQueryClient();
  const place = ["kept", connector, endpoint ?? ""];
  const [kept, setKept] = useState<Kept>(() => queries.getQueryData<Kept>(place) ?? { draft: start() });
  const now = useRef(kept);
  const keep = (change: Partial<Kept>) => {
    queries.setQueryDefaults(place, { gcTime: Number.POSITIVE_INFINITY });
    now.current = { ...now.current, ...change };
    queries.setQueryData(place, now.current);
    setKept(now.current);
  };
  return {
    ...kept,
    setDraft: (draft: Draft) => keep({ draft }),
    /** What has been typed since it was sent stays. */
    setTried: (tried: Tried, by: string | undefined) => keep({ tried, by }),
  };
}
