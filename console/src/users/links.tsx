import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { Once } from "~/api/once";
import { all, every, listQuery, part } from "~/api/pages";
import type { ConnectSession, Environment, NewConnectSession } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm, Dialog } from "~/kit/dialog";
import { Field, Select } from "~/kit/field";
import { List } from "~/kit/list";
import { Table } from "~/kit/table";
import { CodeBlock, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty, Failure, Notice } from "~/kit/told";
import { outcomeOf } from "./outcome";

const LINKS = "/v1/connect-sessions";

/** A link by which a tenant connects by itself, for one connection or for all that an environment takes. */
export function LinkMaker({
  tenant,
  connection,
  environment,
}: {
  tenant: string;
  connection?: string;
  environment?: string;
}) {
  const [made, setMade] = useState<NewConnectSession>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [once] = useState(() => new Once());
  const queries = useQueryClient();
  const make = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const body = { tenant, ...(connection ? { connection } : { environment }) };
      setMade(await json<NewConnectSession>("POST", LINKS, body, { "Idempotency-Key": once.keyFor(body) }));
      await queries.invalidateQueries({ queryKey: ["list", LINKS] });
    } catch (told) {
      setError(told);
    } finally {
      setBusy(false);
    }
  };
  if (made) {
    return (
      <div className="grid gap-2">
        <CodeBlock text={made.url} label="The link" />
        <Notice tone="warn">
          Whoever opens it connects as {tenant}. It is shown this once, is good for one browser, and ends{" "}
          <Moment at={made.expires_at} />.
        </Notice>
      </div>
    );
  }
  return (
    <div className="grid gap-2">
      <Failure error={error} />
      <div>
        <Button kind="primary" busy={busy} disabled={!connection && !environment} onClick={make}>
          Make a link to send
        </Button>
      </div>
    </div>
  );
}

interface Embedded {
  key: string;
  name?: string | null;
}

export function LinkDialog({ tenant, onClose }: { tenant: string; onClose: () => void }) {
  const [target, setTarget] = useState("");
  const environments = useQuery({
    queryKey: ["all", "/v1/environments"],
    queryFn: () => all<Environment>("/v1/environments"),
  });
  const connections = useQuery({
    queryKey: ["embedded", "first"],
    queryFn: () => json<{ items: Embedded[] }>("GET", "/v1/connections?embedded=true&limit=200"),
  });
  const [kind, key = ""] = target.split(" ");
  return (
    <Dialog
      title={`A link for ${tenant}`}
      about="They connect on a page of yours that attache serves, without an account here. What they enter is checked before it is taken."
      open
      onClose={onClose}
    >
      <div className="grid gap-4">
        <Field label="What are they to connect?">
          {(ties) => (
            <Select {...ties} value={target} onChange={(event) => setTarget(event.target.value)}>
              <option value="">Choose</option>
              <optgroup label="All that an environment takes">
                {environments.data?.map((it) => (
                  <option key={it.key} value={`environment ${it.key}`}>
                    {it.name || it.key}
                  </option>
                ))}
              </optgroup>
              <optgroup label="One connection">
                {connections.data?.items.map((it) => (
                  <option key={it.key} value={`connection ${it.key}`}>
                    {it.name || it.key}
                  </option>
                ))}
              </optgroup>
            </Select>
          )}
        </Field>
        <Failure error={environments.error ?? connections.error} />
        <LinkMaker
          key={target}
          tenant={tenant}
          {...(kind === "environment" ? { environment: key } : kind === "connection" ? { connection: key } : {})}
        />
      </div>
    </Dialog>
  );
}

/** The links that were made for a tenant, and what came of each. */
export function Links({ tenant }: { tenant: string }) {
  const query = useInfiniteQuery({ ...listQuery<ConnectSession>(LINKS, { tenant }), refetchInterval: every(5000) });
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const [ending, setEnding] = useState<ConnectSession>();
  const end = async () => {
    if (!ending) return;
    await json("DELETE", `${LINKS}/${part(ending.id)}`);
    await queries.invalidateQueries({ queryKey: ["list", LINKS] });
    tell("The link is ended");
  };
  return (
    <>
      <Confirm
        title="End this link?"
        act="End the link"
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        onAct={end}
      >
        Whoever has it can't connect by it any more, also if they are about to. What is connected stays connected.
      </Confirm>
      <List
        query={query}
        empty={
          <Empty title="No links were made for them">
            A link takes them to a page where they connect by themselves.
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Links"
            rows={items}
            keyOf={(it) => it.id}
            columns={[
              { head: "Made", cell: (it) => <Moment at={it.created_at} /> },
              { head: "For", cell: (it) => it.items.map((item) => item.name).join(", ") },
              {
                head: "Came of it",
                cell: (it) => {
                  const { word, tone } = outcomeOf(it);
                  return <Badge tone={tone}>{word}</Badge>;
                },
              },
              {
                head: "Why",
                narrow: "hide",
                cell: (it) => (
                  <span className="text-dim">
                    {it.items
                      .map((item) => item.why)
                      .filter(Boolean)
                      .join("; ")}
                  </span>
                ),
              },
              { head: "Good until", cell: (it) => <Moment at={it.expires_at} /> },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) =>
                  mayAct &&
                  it.state === "open" && (
                    <Button onClick={() => setEnding(it)} aria-label={`End the link of ${it.created_at}`}>
                      End
                    </Button>
                  ),
              },
            ]}
          />
        )}
      </List>
    </>
  );
}
