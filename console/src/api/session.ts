import { type QueryClient, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { json, setCsrf } from "./client";
import type { Role } from "./schema";
import { isForgotten, nextSession } from "./seen";

/** Whether somebody is signed in, and how one can. */
export interface Session {
  signed_in: boolean;
  ways: ("token" | "oidc")[];
  oidc?: { name: string };
  operator?: { name: string; role: Role; via: "token" | "oidc" };
  csrf?: string;
  expires_at?: string;
  idle_s?: number;
  /** Whose session has ended: their page waits for them. Said by the console itself. */
  was?: Session["operator"];
}

const ask = () => json<Session>("GET", "/console/session");

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => {
    const session = await ask();
    setCsrf(session.csrf);
    return session;
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: 1,
});

/** Takes over what the session is now; what another person has read and typed is forgotten first. */
function take(queries: QueryClient, now: Session) {
  const before = queries.getQueryData(sessionQuery.queryKey);
  if (isForgotten(before, now)) forget(queries);
  setCsrf(now.csrf);
  queries.setQueryData(sessionQuery.queryKey, nextSession(before, now));
  if (now.signed_in) void queries.invalidateQueries({ predicate: isNoSession });
}

/** All that was read, and what was sent: nobody finds it who sits down next. */
export function forget(queries: QueryClient) {
  queries.removeQueries({ predicate: isNoSession });
  queries.getMutationCache().clear();
}

function isNoSession({ queryKey }: { queryKey: readonly unknown[] }): boolean {
  return queryKey[0] !== sessionQuery.queryKey[0];
}

let looking: Promise<boolean> | undefined;

/**
 * Asks whether the session is still there, which is no activity. True where a request that was refused may be sent again:
 * the browser has another session by now, begun in another tab.
 */
export function lookAgain(queries: QueryClient, proof: string | undefined): Promise<boolean> {
  looking ??= look(queries, proof).finally(() => {
    looking = undefined;
  });
  return looking;
}

async function look(queries: QueryClient, proof: string | undefined): Promise<boolean> {
  const before = queries.getQueryData(sessionQuery.queryKey);
  if (before?.signed_in && before.csrf !== proof) return true;
  const now = await ask().catch(() => undefined);
  if (now === undefined) return false;
  const isAnother = now.csrf !== before?.csrf || now.signed_in !== before?.signed_in;
  if (isAnother) take(queries, now);
  return now.signed_in && isAnother;
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => json<Session>("POST", "/console/session", { token }),
    onSuccess: (session) => take(queries, session),
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => json<void>("DELETE", "/console/session"),
    onSettled: () => {
      setCsrf(undefined);
      // The session itself stays, to be asked for again: what is gone nobody is told of.
      forget(queries);
      return queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whether who is signed in may do what takes a role. */
export function useMay(role: Role): boolean {
  const { data } = useQuery(sessionQuery);
  return RANK[data?.operator?.role ?? "viewer"] >= RANK[role];
}
