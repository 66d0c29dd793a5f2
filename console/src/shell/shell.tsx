import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { useEffect } from "react";
import { whenSignedOut } from "~/api/client";
import { type Session, sessionQuery } from "~/api/session";
import { Failure } from "~/kit/told";
import { Navigation } from "./navigation";
import { SignIn } from "./sign-in";

/** The frame around every page, or the way in for whoever has not proved who they are. */
export function Shell() {
  const queries = useQueryClient();
  const session = useQuery(sessionQuery);
  useEffect(() => {
    whenSignedOut(() => {
      // Whoever sits down next sees nothing of what was read before.
      queries.removeQueries({ predicate: (it) => it.queryKey[0] !== "session" });
      queries.setQueryData(sessionQuery.queryKey, (before: Session | undefined) =>
        before?.signed_in
          ? { signed_in: false, ways: before.ways, ...(before.oidc && { oidc: before.oidc }), was_signed_in: true }
          : before,
      );
    });
  }, [queries]);
  if (session.isPending) return null;
  if (session.isError) {
    return (
      <main className="mx-auto mt-24 max-w-md px-4">
        <h1 className="sr-only">attache</h1>
        <Failure error={session.error} again={() => session.refetch()} />
      </main>
    );
  }
  if (!session.data.signed_in) return <SignIn session={session.data} />;
  return (
    <div className="lg:grid lg:min-h-dvh lg:grid-cols-[13.5rem_1fr]">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-panel focus:px-3 focus:py-2"
      >
        Skip to the content
      </a>
      <Navigation operator={session.data.operator} />
      <main id="main" tabIndex={-1} className="min-w-0 outline-none">
        <Outlet />
      </main>
    </div>
  );
}
