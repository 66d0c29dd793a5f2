import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, given } from "~/api/client";
import type { Traffic, TrafficPoint } from "~/api/schema";
import { Button } from "~/kit/button";
import { Card } from "~/kit/page";
import { Table } from "~/kit/table";
import { Moment } from "~/kit/text";
import { Empty, Failure, Loading } from "~/kit/told";
import { Chart, type Series } from "./chart";
import { duration } from "./phases";
import { knownSince, rates, seconds } from "./series";

const WINDOWS = ["5m", "1h", "24h"] as const;
type Window = (typeof WINDOWS)[number];
const REFRESH_MS: Record<Window, number> = { "5m": 5_000, "1h": 20_000, "24h": 60_000 };

/** Rate, errors by whose fault, attache's own time and the APIs': drawn, and as a table for whoever wants numbers. */
export function Charts({ connection }: { connection?: string | undefined }) {
  const [window, setWindow] = useState<Window>("5m");
  const [asTable, setAsTable] = useState(false);
  const { data, dataUpdatedAt, error, refetch } = useQuery({
    queryKey: ["traffic", window, connection],
    queryFn: () => given(api.GET("/v1/traffic", { params: { query: { window, ...(connection && { connection }) } } })),
    refetchInterval: REFRESH_MS[window],
  });
  const drawn = useMemo(() => data && seriesOf(data, dataUpdatedAt / 1000), [data, dataUpdatedAt]);
  const since = data && knownSince(data);
  return (
    <div className="grid grid-cols-1 gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <fieldset className="flex rounded-lg border border-line bg-panel p-0.5">
          <legend className="sr-only">How far back</legend>
          {WINDOWS.map((it) => (
            <Button
              key={it}
              kind={it === window ? "primary" : "quiet"}
              className="min-h-7 px-2.5 text-xs"
              aria-pressed={it === window}
              onClick={() => setWindow(it)}
            >
              {it}
            </Button>
          ))}
        </fieldset>
        <Button className="min-h-8 text-xs" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? "Show as charts" : "Show as a table"}
        </Button>
        {data && (
          <span className="text-xs text-dim">
            {summary(data.points)}
            {since && (
              <>
                . {connection ? "Exchanges are kept since" : "This attache began"} <Moment at={since} />
              </>
            )}
          </span>
        )}
      </div>
      {error ? (
        <Failure error={error} again={() => refetch()} />
      ) : !data || !drawn ? (
        <Loading rows={4} />
      ) : asTable ? (
        <Numbers points={data.points} />
      ) : (
        <div className="grid grid-cols-1 gap-3 md:grid-cols-2">
          {drawn.map((it) => (
            <Card key={it.title} className="min-w-0 p-3">
              <Chart {...it} />
            </Card>
          ))}
        </div>
      )}
    </div>
  );
}

function seriesOf(traffic: Traffic, now: number): Series[] {
  const { points } = traffic;
  const times = points.map((it) => seconds(it.time));
  const per = (of: (point: TrafficPoint) => number) => rates(traffic, now, of);
  return [
    {
      title: "Requests a second",
      times,
      lines: [{ label: "requests", ink: "accent", values: per((it) => it.requests) }],
      unit: (it) => it.toLocaleString("en", { maximumFractionDigits: 1 }),
    },
    {
      title: "Errors a second, by whose fault",
      times,
      lines: [
        { label: "caller", ink: "warn", values: per((it) => it.errors.caller) },
        { label: "attache", ink: "bad", values: per((it) => it.errors.attache) },
        { label: "the API", ink: "dim", values: per((it) => it.errors.upstream) },
      ],
      unit: (it) => it.toLocaleString("en", { maximumFractionDigits: 1 }),
    },
    { title: "attache's own time", times, lines: quantiles(points, "overhead_ms"), unit: duration },
    { title: "The APIs' time", times, lines: quantiles(points, "upstream_ms"), unit: duration },
  ];
}

function quantiles(points: TrafficPoint[], of: "overhead_ms" | "upstream_ms"): Series["lines"] {
  return [
    { label: "p50", ink: "accent", values: points.map((it) => it[of].p50 ?? null) },
    { label: "p95", ink: "warn", values: points.map((it) => it[of].p95 ?? null) },
    { label: "p99", ink: "bad", values: points.map((it) => it[of].p99 ?? null) },
  ];
}

function summary(points: TrafficPoint[]): string {
  const requests = points.reduce((sum, it) => sum + it.requests, 0);
  const failed = points.reduce((sum, it) => sum + it.errors.caller + it.errors.attache + it.errors.upstream, 0);
  return `${requests.toLocaleString("en")} requests, ${failed.toLocaleString("en")} failed`;
}

type Quantiles = TrafficPoint["overhead_ms"];

function Numbers({ points }: { points: TrafficPoint[] }) {
  const said = points.filter((it) => it.requests > 0).reverse();
  const ms = (it: Quantiles) =>
    [it.p50, it.p95, it.p99].flatMap((one) => (one === null || one === undefined ? [] : [duration(one)])).join(", ");
  if (said.length === 0) return <Empty title="No requests in this time" />;
  return (
    <Table
      label="Traffic, step by step"
      rows={said}
      keyOf={(it) => it.time}
      columns={[
        { head: "From", cell: (it) => new Date(it.time).toLocaleTimeString("en-GB") },
        { head: "Requests", align: "right", cell: (it) => it.requests.toLocaleString("en") },
        {
          head: "Failed: caller, attache, API",
          align: "right",
          cell: (it) => `${it.errors.caller}, ${it.errors.attache}, ${it.errors.upstream}`,
        },
        {
          head: "attache p50, p95, p99",
          align: "right",
          cell: (it) => ms(it.overhead_ms),
        },
        {
          head: "APIs p50, p95, p99",
          align: "right",
          cell: (it) => ms(it.upstream_ms),
        },
      ]}
    />
  );
}
