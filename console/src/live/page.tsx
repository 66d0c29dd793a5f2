import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { Button } from "~/kit/button";
import { Page, Section } from "~/kit/page";
import { Empty, Loading, Notice } from "~/kit/told";
import { FilterBar } from "./filter-bar";
import type { Filters } from "./filters";
import { Forecast } from "./forecast";
import { Rows } from "./rows";
import type { Followed } from "./stream";
import { MOST, useLive } from "./use-live";

const Charts = lazy(() => import("./charts").then((it) => ({ default: it.Charts })));

const FOLLOWED: Record<Followed, string> = { open: "following", lost: "reconnecting …", refused: "not following" };

/** What goes through the proxy right now, how fast, and what is about to die. */
export function LivePage() {
  const filters = useSearch({ from: "/live" });
  const navigate = useNavigate();
  const change = (next: Filters) => void navigate({ to: "/live", search: next, replace: true });
  const live = useLive(filters);
  return (
    <Page
      title="Live"
      about="Requests as they go through the proxy of the attache that serves this page, and how they fare."
    >
      <Forecast />
      <Section>
        <Suspense fallback={<Loading rows={4} />}>
          <Charts connection={filters.connection} />
        </Suspense>
      </Section>
      <Section
        title="Exchanges"
        acts={
          <>
            <span role="status" className="inline-flex min-h-9 items-center text-xs text-dim">
              {live.paused
                ? `paused${live.waiting ? `, ${live.waiting} ${live.waiting < MOST ? "more" : "or more"} since` : ""}`
                : FOLLOWED[live.state]}
            </span>
            <Button onClick={live.turn} aria-pressed={live.paused}>
              {live.paused ? "Go on" : "Pause"}
            </Button>
          </>
        }
      >
        <FilterBar filters={filters} onChange={change} />
        {live.error ? (
          <Notice tone="bad" title={live.error}>
            {live.state === "refused"
              ? "Nothing follows like this. Change the filters, or clear them."
              : "It is tried again by itself."}
          </Notice>
        ) : null}
        {live.skipped > 0 && (
          <Notice tone="warn">
            {live.skipped.toLocaleString("en")} more went by faster than a page can show them. Filters make the stream
            smaller.
          </Notice>
        )}
        {live.exchanges.length > 0 ? (
          <Rows exchanges={live.exchanges} label="Exchanges" />
        ) : live.pending ? (
          <Loading rows={5} />
        ) : (
          <Empty title={Object.keys(filters).length > 0 ? "Nothing that these filters let through" : "No requests yet"}>
            Send one through the proxy with <code>Attache-Key</code> and <code>Attache-Connection</code>, or try an
            endpoint from its connector's page: it shows here as it happens.
          </Empty>
        )}
      </Section>
    </Page>
  );
}
