import { useQuery } from "@tanstack/react-query";
import { json } from "~/api/client";

/** What an act would do, asked of the API (`dry_run`) while somebody is about to do it. */
export function usePreview<T>(method: "DELETE" | "POST", path: string, isAsked: boolean, body?: unknown) {
  return useQuery({
    queryKey: ["preview", method, path, body],
    queryFn: ({ signal }) => json<T>(method, `${path}?dry_run=true`, body, {}, signal),
    enabled: isAsked,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
}
