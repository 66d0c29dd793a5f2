import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Tried } from "~/api/schema";
import type { Draft } from "./request";

interface Kept {
  draft: Draft;
  tried?: Tried;
}

/**
 * What is being written, kept while this page of the browser is open and somebody is signed in: whoever goes back finds
 * it as it was.
 */
export function useKept(connector: string, endpoint: string | undefined, start: () => Draft) {
  const queries = useQueryClient();
  const place = ["kept", connector, endpoint ?? ""];
  const [kept, setKept] = useState<Kept>(() => queries.getQueryData<Kept>(place) ?? { draft: start() });
  const keep = (next: Kept) => {
    setKept(next);
    queries.setQueryDefaults(place, { gcTime: Number.POSITIVE_INFINITY });
    queries.setQueryData(place, next);
  };
  return {
    ...kept,
    setDraft: (draft: Draft) => keep({ ...kept, draft }),
    setTried: (draft: Draft, tried: Tried) => keep({ draft, tried }),
  };
}
