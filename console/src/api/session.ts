import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { json, setCsrf } from "./client";
import type { Role } from "./schema";

/** Whether somebody is signed in, and how one can. */
export interface Session {
  signed_in: boolean;
  ways: ("token" | "oidc")[];
  oidc?: { name: string };
  operator?: { name: string; role: Role; via: "token" | "oidc" };
  csrf?: string;
  expires_at?: string;
  idle_s?: number;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => {
    const session = await json<Session>("GET", "/console/session");
    setCsrf(session.csrf);
    return session;
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: 1,
});

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => json<Session>("POST", "/console/session", { token }),
    onSuccess: (session) => {
      setCsrf(session.csrf);
      queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => json<void>("DELETE", "/console/session"),
    onSettled: () => {
      setCsrf(undefined);
      queries.clear();
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
