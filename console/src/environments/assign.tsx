import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isApiError } from "~/api/problem";
import type { Change, Connection, Environment } from "~/api/schema";
import {
  Consequences,
  connectionQuery,
  Decide,
  healthOf,
  inserted,
  PickConnection,
  patchJson,
  typeName,
  typeOf,
  useReadAgain,
} from "~/connections/for-others";
import { Button, ButtonLink } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { useTell } from "~/kit/toast";
import { Badge, Notice } from "~/kit/told";
import { pathOf, versionOf } from "./query";

interface Props {
  environment: Environment;
  alias: string;
  connector: string;
  onClose: () => void;
}

/** Chooses the connection of a cell: an existing one, or a new one. What changes is shown before it does. */
export function Assign({ environment, alias, connector, onClose }: Props) {
  const now = environment.assign?.[alias];
  const [picked, setPicked] = useState<string | undefined>(now);
  const [asks, setAsks] = useState(false);
  const name = environment.name || environment.key;
  if (asks && picked) return <Switch {...{ environment, alias, from: now, to: picked, onClose }} />;
  return (
    <Dialog
      title={now ? `Another connection for ${alias}` : `A connection for ${alias}`}
      about={`In ${name}. One connection may serve many environments.`}
      open
      onClose={onClose}
    >
      <PickConnection connector={connector} value={picked} onPick={setPicked} />
      <Acts>
        <ButtonLink
          to="/new/connection"
          search={{ connector, integration: environment.integration, environment: environment.key, alias }}
        >
          Make a new one
        </ButtonLink>
        <Button kind="primary" disabled={!picked || picked === now} onClick={() => setAsks(true)}>
          See what changes
        </Button>
      </Acts>
    </Dialog>
  );
}

interface SwitchProps {
  environment: Environment;
  alias: string;
  from: string | undefined;
  to: string;
  onClose: () => void;
}

function Switch({ environment, alias, from, to, onClose }: SwitchProps) {
  const again = useReadAgain();
  const tell = useTell();
  const change = { assign: { [alias]: to } };
  const name = environment.name || environment.key;
  return (
    <Decide<Change>
      title={`${from ? "Switch" : "Assign"} ${alias} in ${name}?`}
      of={[environment.key, alias, to, environment.version]}
      preview={() => patchJson<Change>(pathOf(environment.key), change, { dry_run: true })}
      act={(it) => ({ label: from ? `Switch to ${to}` : `Assign ${to}`, danger: it.refused })}
      onAct={async (it) => {
        const said = { force: it.breaks.length > 0, confirm: it.moves.length > 0 ? ("origin" as const) : undefined };
        await patchJson(pathOf(environment.key), change, said, versionOf(environment)).catch(async (error) => {
          // Somebody has changed the environment meanwhile: what it is now is read, and shown before another try.
          if (isApiError(error) && error.status === 412) await again();
          throw error;
        });
        tell(`${name} has ${to} as ${alias} now`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          {environment.deployed && (
            <Notice tone="warn">This environment is deployed: its requests go the new way from the next one on.</Notice>
          )}
          <Compare from={from} to={to} />
          <Consequences told={{ breaks: it.breaks, moves: it.moves }} />
        </>
      )}
    </Decide>
  );
}

/** What is another in the connection that comes: where it goes, how it proves itself, whose credentials it has. */
function Compare({ from, to }: { from: string | undefined; to: string }) {
  const before = useQuery({ ...connectionQuery(from ?? ""), enabled: from !== undefined });
  const after = useQuery(connectionQuery(to));
  if (!after.data) return null;
  const next = after.data.connection;
  const health = healthOf(next);
  const needsTenant = next.embedded && before.data && !before.data.connection.embedded;
  const was = before.data ? rows(before.data.connection) : [];
  const is = rows(after.data.connection);
  return (
    <>
      {health.tone !== "good" && (
        <Notice tone={health.tone === "info" ? "info" : "warn"} title={`${next.name || to}: ${health.word}`}>
          {health.line}
        </Notice>
      )}
      {needsTenant && (
        <Notice tone="warn" title="Each request needs a tenant from then on">
          {to} is embedded: requests without Attache-Tenant, or of a tenant that is not activated, are refused.
        </Notice>
      )}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
        {is.map(([term, value], row) => {
          const old = was[row]?.[1];
          const same = old === undefined || old === value;
          return (
            <div key={term} className="contents">
              <dt className="text-dim">{term}</dt>
              <dd>
                {!same && <del className="mr-1.5 text-dim">{old}</del>}
                {value} {!same && <Badge tone="info">changes</Badge>}
              </dd>
            </div>
          );
        })}
      </dl>
    </>
  );
}

function rows(it: Connection): [string, string][] {
  const method = it.auth_method ?? {};
  return [
    ["Connection", it.name || it.key],
    ["Base URL", it.effective_base_url ?? "not sound"],
    ["Auth method", `${it.auth_method?.name || it.auth}, ${typeName(typeOf(method))}`],
    ["On requests", inserted(method)],
    ["Credentials", it.embedded ? "each tenant's own" : "held by the connection"],
  ];
}
