import type { ImportedConnector, Told } from "~/api/schema";
import { inserted } from "~/connections/method/said";
import { type TypeName, typeName } from "~/connections/method/types";
import { Card } from "~/kit/page";
import { Code, count } from "~/kit/text";
import { Badge, Notice } from "~/kit/told";
import { MethodMark } from "../method-mark";
import { sentenceOf } from "./words";

/** How many endpoints are listed before the rest is counted. */
const LISTED = 200;

/** What becomes of a document: what is made, and what of it is not in there, and where that stands. */
export function ReportView({ found }: { found: ImportedConnector }) {
  const { report, connector } = found;
  const left = report.places.filter((it) => it.verdict === "skipped");
  const noted = report.places.filter((it) => it.verdict === "noted");
  const endpoints = Object.entries(connector.endpoints ?? {});
  return (
    <div className="grid content-start gap-4">
      <Card>
        <h2 className="mb-2 text-[15px] font-semibold">
          {count(report.auth.length, "auth method")}, {count(report.endpoints, "endpoint")}
        </h2>
        {report.auth.length === 0 && (
          <Notice tone="warn">
            The document says nothing of how to authenticate. Add an auth method with the connection, if the API wants
            one.
          </Notice>
        )}
        <ul className="grid gap-2 text-[13px]">
          {report.auth.map((it) => {
            const method = connector.auth?.[it.method];
            return (
              <li key={it.method}>
                <span className="font-medium">{method?.name ?? it.method}</span>{" "}
                <Badge>{typeName(it.type as TypeName)}</Badge>
                {method && <p className="text-dim">{inserted(method)}</p>}
                <p className="text-xs text-dim">
                  from <Code>{it.pointer}</Code>
                </p>
              </li>
            );
          })}
        </ul>
        <details className="mt-3 text-[13px]">
          <summary className="min-h-6 font-medium">The endpoints</summary>
          <ul className="mt-2 grid gap-1">
            {endpoints.slice(0, LISTED).map(([key, it]) => (
              <li key={key} className="flex gap-2">
                <MethodMark method={it.method} />
                <span className="min-w-0 font-mono text-xs break-all">{it.path}</span>
              </li>
            ))}
          </ul>
          {endpoints.length > LISTED && (
            <p className="mt-1 text-dim">and {count(endpoints.length - LISTED, "other")}</p>
          )}
        </details>
      </Card>
      <Places title="Left out" tone="warn" places={left} />
      <Places title="To look at" tone="info" places={noted} />
      {report.more > 0 && (
        <p className="text-[13px] text-dim">There are {count(report.more, "place")} more like these.</p>
      )}
      {report.places.length === 0 && <Notice tone="good">Everything in the document is in the connector.</Notice>}
    </div>
  );
}

function Places({ title, tone, places }: { title: string; tone: "warn" | "info"; places: Told[] }) {
  if (places.length === 0) return null;
  return (
    <Card>
      <h2 className="mb-2 flex items-center gap-2 text-[15px] font-semibold">
        {title} <Badge tone={tone}>{places.length.toLocaleString("en")}</Badge>
      </h2>
      <ul className="grid max-h-[28rem] gap-2.5 overflow-y-auto text-[13px]" tabIndex={0} aria-label={title}>
        {places.map((it) => (
          <li key={`${it.line}${it.pointer}${it.problem}`} className="far">
            <p>{sentenceOf(it)}</p>
            <p className="text-xs text-dim">
              Line {it.line} <Code>{it.pointer || "/"}</Code>
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
