import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { api, given, json } from "~/api/client";
import { part } from "~/api/pages";
import type { Activation, Ended, Verified } from "~/api/schema";
import { useMay } from "~/api/session";
import { grantHealth } from "~/connections/health";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { type Item, Menu } from "~/kit/menu";
import { Card, Facts } from "~/kit/page";
import { Code, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Failure, Notice } from "~/kit/told";
import { ActivateDialog } from "./activate";

interface Props {
  activation: Activation;
  onChanged: () => unknown;
}

/** One tenant's credentials under one connection: how they are, and what can be done with them. */
export function ActivationCard({ activation: it, onChanged }: Props) {
  const [asked, setAsked] = useState<"deactivate" | "edit" | "revoke">();
  const [told, setTold] = useState<ReactNode>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const tell = useTell();
  const mayAct = useMay("operator");
  const path = `/v1/connections/${part(it.connection)}/activations/${part(it.tenant)}`;
  const connection = useQuery({
    queryKey: ["users", "connection", it.connection],
    queryFn: () => given(api.GET("/v1/connections/{connection}", { params: { path: { connection: it.connection } } })),
    staleTime: 60_000,
  });
  const health =
    it.enabled === false
      ? ({ tone: "dim", word: "Switched off", line: "It answers as if it were not there." } as const)
      : grantHealth(it.grant ?? undefined);
  const act = async (work: () => Promise<ReactNode>) => {
    setBusy(true);
    setError(undefined);
    setTold(undefined);
    try {
      setTold(await work());
      await onChanged();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const verify = () =>
    act(async () => {
      const { works, why } = await json<Verified>("POST", `${path}/verify`, {});
      if (works) return <Notice tone="good" title="It works." />;
      return (
        <Notice
          tone={works === false ? "bad" : "warn"}
          title={works === false ? "It does not work." : "Nobody can tell right now."}
        >
          {why}
        </Notice>
      );
    });
  const renew = () =>
    act(async () => {
      await json("POST", `${path}/renew`, {});
      return <Notice tone="good" title="There is a new token." />;
    });
  const turn = () =>
    act(async () => {
      await json("PATCH", path, { enabled: it.enabled === false }, { "Content-Type": "application/merge-patch+json" });
      return undefined;
    });
  const items: Item[] = [
    ...(it.source ? [] : [{ label: "Change credentials …", onSelect: () => setAsked("edit" as const) }]),
    ...(it.grant ? [{ label: "Renew the token", onSelect: renew }] : []),
    ...(it.grant ? [{ label: "Revoke …", danger: true, onSelect: () => setAsked("revoke" as const) }] : []),
    ...(it.source ? [] : [{ label: it.enabled === false ? "Switch on" : "Switch off", onSelect: turn }]),
    ...(it.source ? [] : [{ label: "Deactivate …", danger: true, onSelect: () => setAsked("deactivate" as const) }]),
  ];
  const name = connection.data?.name || it.connection;
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <div className="min-w-0">
          <h2 className="text-sm font-semibold">
            <Link to="/connections/$key" params={{ key: it.connection }} className="hover:underline">
              {name}
            </Link>
          </h2>
          <Code>{it.connection}</Code>
        </div>
        <div className="flex items-center gap-1.5">
          <Badge tone={health?.tone ?? "good"}>{health?.word ?? "Ready"}</Badge>
          {mayAct && items.length > 0 && <Menu label={`More for ${name}`} items={items} />}
        </div>
      </div>
      {health && <p className="text-[13px] text-dim">{health.line}</p>}
      <Facts
        items={[
          ["Account", it.account?.name || it.account?.id || it.grant?.account],
          ...(Object.keys(it.credentials ?? {}).length > 0
            ? ([["Credentials", Object.keys(it.credentials ?? {}).join(", ")]] as [string, string][])
            : []),
          ...(Object.keys(it.variables ?? {}).length > 0
            ? ([
                [
                  "Variables",
                  Object.entries(it.variables ?? {})
                    .map(([variable, value]) => `${variable}: ${value}`)
                    .join(", "),
                ],
              ] as [string, string][])
            : []),
          ...(it.grant?.expires_at
            ? ([["Token ends", <Moment key="ends" at={it.grant.expires_at} />]] as [string, ReactNode][])
            : []),
          [
            "Since",
            it.source ? `${it.source.file}, line ${it.source.line}` : <Moment key="since" at={it.created_at} />,
          ],
        ]}
      />
      {error ? <Failure error={error} /> : told}
      {mayAct && (
        <div className="flex flex-wrap gap-2 border-t border-line pt-3">
          <Button busy={busy} onClick={verify}>
            Check
          </Button>
          {it.grant && !it.source && <Button onClick={() => setAsked("edit")}>Reconnect</Button>}
        </div>
      )}
      {asked === "edit" && (
        <ActivateDialog
          tenant={it.tenant}
          wanted={it.connection}
          again={it}
          onClose={() => {
            setAsked(undefined);
            void onChanged();
          }}
        />
      )}
      <Confirm
        title={`Deactivate ${it.tenant} under ${name}?`}
        act="Deactivate"
        open={asked === "deactivate"}
        onClose={() => setAsked(undefined)}
        onAct={async () => {
          await json("DELETE", path);
          await onChanged();
          tell(`${it.tenant} is deactivated under ${name}`);
        }}
      >
        Their credentials under this connection are deleted
        {it.grant && ", and their tokens are ended at the provider where it allows that"}. Requests for them through it
        are answered 404 from now on. Their other activations stay.
      </Confirm>
      <Confirm
        title={`Revoke what ${it.tenant} granted?`}
        act="Revoke"
        open={asked === "revoke"}
        onClose={() => setAsked(undefined)}
        onAct={async () => {
          const ended = await json<Ended>("POST", `${path}/revoke`, {});
          setTold(
            <Notice
              tone={ended.at_provider ? "good" : "warn"}
              title={ended.at_provider ? "It is ended, here and at the provider." : "It is ended here."}
            >
              {ended.why}
            </Notice>,
          );
          await onChanged();
        }}
      >
        The tokens are ended here, and at the provider where it allows that. Their requests are answered 424 until they
        connect again.
      </Confirm>
    </Card>
  );
}
