import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { whenRefused } from "~/api/client";
import { forget, lookAgain, type Session, sessionQuery } from "~/api/session";
import { Failure } from "~/kit/told";
import { Arrival } from "./arrival";
import { Navigation } from "./navigation";
import { SignIn } from "./sign-in";

/** How often it is asked whether the session is still there, so that nobody reads on after its end. */
const LOOK_MS = 60_000;
/** How long a page waits for whoever was signed in: what they have typed is in it. */
const WAIT_MS = 10 * 60_000;

/** The frame around every page, or the way in for whoever has not proved who they are. */
export function Shell() {
  const queries = useQueryClient();
  const session = useQuery(sessionQuery);
  const { csrf, was, signed_in: isIn = false } = session.data ?? {};
  const main = useRef<HTMLElement>(null);
  const [waited, setWaited] = useState<Session["was"]>();
  useEffect(() => whenRefused((proof) => lookAgain(queries, proof)), [queries]);
  useEffect(() => {
    if (!isIn && !was) return;
    const look = () => void lookAgain(queries, csrf);
    const timer = setInterval(look, LOOK_MS);
    window.addEventListener("focus", look);
    return () => {
      clearInterval(timer);
      window.removeEventListener("focus", look);
    };
  }, [queries, csrf, isIn, was]);
  useEffect(() => {
    if (!was) return;
    const timer = setTimeout(() => {
      forget(queries);
      setWaited(was);
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      main.current?.focus({ preventScroll: true });
    };
  }, [queries, was]);
  if (session.isPending) return null;
  if (!session.data) {
    return (
      <main className="mx-auto mt-24 max-w-md px-4">
        <h1 className="sr-only">attache</h1>
        <Failure error={session.error} again={() => session.refetch()} />
      </main>
    );
  }
  const operator = session.data.operator ?? (was === waited ? undefined : was);
  return (
    <>
      {!isIn && <SignIn session={session.data} waits={operator !== undefined} />}
      {operator && (
        <div key={`${operator.via} ${operator.name}`} hidden={!isIn}>
          <div className="lg:grid lg:min-h-dvh lg:grid-cols-[13.5rem_1fr]">
            <a
              href="#main"
              className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-panel focus:px-3 focus:py-2"
            >
              Skip to the content
            </a>
            <Navigation operator={operator} />
            <main ref={main} id="main" tabIndex={-1} className="min-w-0 outline-none">
              <Outlet />
            </main>
            <Arrival main={main} />
          </div>
          {/* Dialogs are shown in here: they wait with the page. */}
          <div data-dialogs="" />
        </div>
      )}
    </>
  );
}
