import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Connection } from "~/api/schema";
import { Card, Facts } from "~/kit/page";
import { Code, Moment } from "~/kit/text";
import { Badge } from "~/kit/told";
import { healthOf } from "./health";
import { MethodFacts } from "./method/facts";
import { inserted, said } from "./method/said";
import { typeName, typeOf } from "./method/types";
import { useAssigned } from "./use-assigned";
import { usedBy } from "./uses";

interface Props {
  connection: Connection;
  /** What can be done with it from where it is shown. */
  acts?: ReactNode;
  /** Without the link to its own page: it is shown there. */
  here?: boolean;
}

/** A connection as one looks at it beside others: what it is, where it goes, who uses it, and how it is. */
export function ConnectionCard({ connection, acts, here }: Props) {
  const health = healthOf(connection);
  const name = connection.name || connection.key;
  return (
    <Card className="grid content-start gap-3">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <div className="min-w-0">
          <h3 className="text-sm font-semibold">
            {here ? (
              name
            ) : (
              <Link to="/connections/$key" params={{ key: connection.key }} className="hover:underline">
                {name}
              </Link>
            )}
          </h3>
          <Code>{connection.key}</Code>
        </div>
        <ConnectionBadges connection={connection} />
      </div>
      {health.tone !== "good" && <p className="text-[13px] text-dim">{health.line}</p>}
      {connection.embedded && <EmbeddedBanner />}
      <Facts items={facts(connection)} />
      {acts && <div className="flex flex-wrap gap-2 border-t border-line pt-3">{acts}</div>}
    </Card>
  );
}

/** How it is, who holds the credentials, and whether anybody depends on it. */
export function ConnectionBadges({ connection }: { connection: Connection }) {
  const health = healthOf(connection);
  const uses = useAssigned(connection);
  return (
    <div className="flex flex-wrap gap-1.5">
      <Badge tone={health.tone} title={health.line}>
        {health.word}
      </Badge>
      {connection.embedded && <Badge>Embedded</Badge>}
      {(uses?.deployed ?? 0) > 0 && <Badge tone="info">In deployed use</Badge>}
      {connection.expose && <Badge title="Tenant-scoped callers may list and use it">Exposed</Badge>}
    </div>
  );
}

/** How many environments depend on it. */
export function UsedBy({ connection }: { connection: Connection }) {
  return usedBy(useAssigned(connection));
}

export function EmbeddedBanner() {
  return (
    <p className="rounded-lg bg-accent-soft px-3 py-2 text-[13px]">
      Tenants connect through the{" "}
      <Link to="/users" className="font-medium text-accent underline">
        Users tab
      </Link>
      , the API, or a connect link: each brings its own credentials.
    </p>
  );
}

function facts(connection: Connection): [string, ReactNode][] {
  const { auth_method: method, uses } = connection;
  const type = method ? `${method.name || connection.auth}, ${typeName(typeOf(method))}` : connection.auth;
  const behind =
    connection.latest_revision && connection.revision && connection.latest_revision > connection.revision
      ? ` of ${connection.latest_revision}`
      : "";
  return [
    ["Auth method", `${type}${connection.revision ? `, revision ${connection.revision}${behind}` : ""}`],
    ...(method ? methodFacts(method) : []),
    ["Base URL", connection.effective_base_url ? <Code key="base">{connection.effective_base_url}</Code> : "not sound"],
    ["Used by", <UsedBy key="uses" connection={connection} />],
    ...(connection.embedded && uses
      ? ([["Tenants", uses.activations >= 10_000 ? "10,000 or more" : uses.activations.toLocaleString("en")]] as [
          string,
          string,
        ][])
      : []),
    ["Created", connection.source ? sourceOf(connection) : <Moment key="created" at={connection.created_at} />],
  ];
}

function sourceOf({ source }: Connection): string {
  const { file, line } = (source ?? {}) as { file?: string; line?: number };
  return `in ${file}, line ${line}`;
}

function methodFacts(method: object): [string, ReactNode][] {
  const where: [string, ReactNode] = ["On requests", inserted(method)];
  if (said(method).length < 2) return [where];
  return [
    where,
    [
      "Settings",
      <details key="settings">
        <summary className="text-accent">Show all</summary>
        <div className="mt-2">
          <MethodFacts method={method} />
        </div>
      </details>,
    ],
  ];
}
