import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Connector } from "~/api/schema";
import { Card, Facts, Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, Moment } from "~/kit/text";
import { Failure, Loading, Notice } from "~/kit/told";
import { linkedQuery } from "./data";
import { integrationPage } from "./elsewhere";

/** What there is to know of a connector besides: where it comes from, its variables, and who links it. */
export function OverviewPart({ connector }: { connector: Connector }) {
  const variables = Object.entries(connector.variables ?? {});
  return (
    <>
      {connector.source && (
        <div className="mb-5">
          <Notice title="This connector is declared in a file">
            It is changed there: {connector.source.file}, line {connector.source.line}. attache takes the change over by
            itself.
          </Notice>
        </div>
      )}
      <Section title="The API">
        <Card>
          <Facts
            items={[
              [
                "Base URL",
                connector.base_url ? <Code key="url">{connector.base_url}</Code> : "Each connection its own",
              ],
              ["Description", connector.description],
              ["Documentation", <Docs key="docs" at={connector.docs} />],
              [
                "May reach",
                connector.egress?.allow?.length
                  ? `${connector.egress.allow.join(", ")}, besides public addresses`
                  : "Public addresses, and what egress.allow in the configuration adds",
              ],
              ...(connector.source
                ? []
                : ([
                    ["Created", <Moment key="made" at={connector.created_at} />],
                    ["Changed", <Moment key="changed" at={connector.updated_at} />],
                  ] as [string, ReactNode][])),
            ]}
          />
        </Card>
      </Section>
      {variables.length > 0 && (
        <Section
          title="Variables"
          about="What the base URL leaves open: each connection, or each tenant, fills them in."
        >
          <Table
            label="Variables"
            keyOf={([name]) => name}
            rows={variables}
            columns={[
              { head: "Variable", cell: ([name]) => <Code>{`{${name}}`}</Code> },
              { head: "What it is", cell: ([, it]) => [it.name, it.description].filter(Boolean).join(": ") || "–" },
              { head: "Matches", cell: ([, it]) => (it.pattern ? <Code>{it.pattern}</Code> : "anything") },
              { head: "Default", cell: ([, it]) => (it.default ? <Code>{it.default}</Code> : "–") },
            ]}
          />
        </Section>
      )}
      <Linked connector={connector.key} />
    </>
  );
}

/** Only what a browser opens safely is a link. */
function Docs({ at }: { at?: string | null | undefined }) {
  if (!at) return <span className="text-dim">none</span>;
  if (!/^https?:\/\//.test(at)) return at;
  return (
    <a href={at} target="_blank" rel="noreferrer noopener" className="text-accent underline">
      {at}
    </a>
  );
}

function Linked({ connector }: { connector: string }) {
  const linked = useQuery(linkedQuery(connector));
  return (
    <Section title="Integrations" about="Those that link this connector, and under which alias.">
      {linked.isPending && <Loading rows={1} />}
      {linked.isError && <Failure error={linked.error} again={linked.refetch} />}
      {linked.data?.length === 0 && (
        <p className="text-[13px] text-dim">
          No integration links it yet. An{" "}
          <Link to="/integrations" className="text-accent underline">
            integration
          </Link>{" "}
          says which connectors its logic uses, so that each environment can assign them a connection.
        </p>
      )}
      {linked.data && linked.data.length > 0 && (
        <Card>
          <ul className="grid gap-1.5 text-[13px]">
            {linked.data.map((it) => (
              <li key={it.key}>
                <Link {...integrationPage(it.key)} className="font-medium hover:underline">
                  {it.name}
                </Link>{" "}
                <span className="text-dim">as {it.aliases.join(", ")}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Section>
  );
}
