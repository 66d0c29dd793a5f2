import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Connection, ConnectionPatch } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Toggle } from "~/kit/field";
import { Card, Facts, Section } from "~/kit/page";
import { Code, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Failure } from "~/kit/told";
import { patch } from "./acts";
import { DisableConnection } from "./disable";
import { MethodFacts } from "./method/facts";
import { typeOf } from "./method/types";
import { type Read, useReadAgain } from "./query";
import { RevealSecret } from "./reveal";

/** The auth method in full, at the revision that is pinned. */
export function MethodSection({ connection, onRepin }: { connection: Connection; onRepin?: (() => void) | undefined }) {
  const { revision, latest_revision: latest } = connection;
  const isBehind = revision !== undefined && latest !== undefined && latest > revision;
  return (
    <Section
      title={`Auth method: ${connection.auth_method?.name || connection.auth}`}
      about={
        <>
          Of the connector{" "}
          <Link to="/connectors/$key" params={{ key: connection.connector }} className="text-accent underline">
            {connection.connector}
          </Link>
          {revision !== undefined && `, pinned at revision ${revision}: later edits don't change it.`}
        </>
      }
      acts={onRepin && isBehind && <Button onClick={onRepin}>Revision {latest} is there</Button>}
    >
      <Card>
        <MethodFacts
          method={connection.auth_method ?? {}}
          revision={revision ? `${revision} of ${latest}` : undefined}
        />
      </Card>
    </Section>
  );
}

/** Where requests go, and when it was made. */
export function PlaceSection({ connection }: { connection: Connection }) {
  const variables = Object.entries(connection.variables ?? {});
  const { file, line } = (connection.source ?? {}) as { file?: string; line?: number };
  return (
    <Section title="Where it goes">
      <Card>
        <Facts
          items={[
            [
              "Base URL",
              connection.effective_base_url ? (
                <Code key="url">{connection.effective_base_url}</Code>
              ) : (
                "not sound: it is not served"
              ),
            ],
            ["Whose", connection.base_url ? "its own" : "the connector's"],
            ...variables.map(([name, value]) => [name, <Code key={name}>{value}</Code>] as [string, React.ReactNode]),
            ...(connection.allowed_origins?.length
              ? ([["Also allowed", connection.allowed_origins.join(", ")]] as [string, string][])
              : []),
            ...(connection.source
              ? ([["Declared in", `${file}, line ${line}: it is changed there`]] as [string, string][])
              : []),
            ...(connection.created_at
              ? ([["Created", <Moment key="made" at={connection.created_at} />]] as [string, React.ReactNode][])
              : []),
            ...(connection.updated_at
              ? ([["Changed", <Moment key="changed" at={connection.updated_at} />]] as [string, React.ReactNode][])
              : []),
          ]}
        />
      </Card>
      {connection.status === "waiting_for_secret" || isWebhook(connection) ? (
        <div className="mt-3">
          <RevealIf connection={connection} />
        </div>
      ) : null}
    </Section>
  );
}

function isWebhook(connection: Connection): boolean {
  return typeOf(connection.auth_method ?? {}) === "hmac";
}

/** Only senders that hand their secret over have one to be shown. */
function RevealIf({ connection }: { connection: Connection }) {
  const preset = String(connection.auth_method?.hmac?.preset ?? "");
  const mayAct = useMay("operator");
  if (!mayAct || !["asana", "gusto", "notion"].includes(preset) || connection.status === "waiting_for_secret")
    return null;
  return <RevealSecret connection={connection.key} />;
}

/** Whether it is used at all, and by tenants. */
export function SettingsSection({ read, editable }: { read: Read; editable: boolean }) {
  const { connection } = read;
  const [asks, setAsks] = useState(false);
  const again = useReadAgain();
  const tell = useTell();
  const saving = useMutation({
    mutationFn: (change: ConnectionPatch) => patch(read, change),
    onSuccess: async () => {
      await again();
      tell("Changed, from the next request on");
    },
  });
  return (
    <Section title="Use">
      <Card className="grid gap-4">
        <Toggle
          label="Enabled"
          help={connection.enabled ? "Switched off, its requests are refused." : "It is off: its requests are refused."}
          checked={connection.enabled !== false}
          disabled={!editable || saving.isPending}
          onChange={(enabled) => (enabled ? saving.mutate({ enabled } as ConnectionPatch) : setAsks(true))}
        />
        <Toggle
          label="Expose to tenants"
          help="Tenant-scoped callers may list and use it."
          checked={connection.expose === true}
          disabled={!editable || saving.isPending}
          onChange={(expose) => saving.mutate({ expose } as ConnectionPatch)}
        />
        <Failure error={saving.error} />
      </Card>
      {asks && <DisableConnection read={read} onClose={() => setAsks(false)} />}
    </Section>
  );
}
