import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { EventDelivery, EventSubscription, IssuedEventSubscription } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Acts, Confirm, Dialog } from "~/kit/dialog";
import { Choices, Field, TextInput } from "~/kit/field";
import { List } from "~/kit/list";
import { Menu } from "~/kit/menu";
import { Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { CodeBlock, count, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty, Failure, Notice, type Tone } from "~/kit/told";
import { TROUBLE } from "./subscription-form";

const PATH = "/v1/event_subscriptions";
const STATES: Record<string, Tone> = {
  delivering: "good",
  failing: "bad",
  disabled: "dim",
  pending: "info",
  delivered: "good",
  failed: "bad",
};

interface Issued {
  key: string;
  secret: string;
}

/** Who of your own systems is told of what happens here, by signed requests. */
export function Subscriptions() {
  const [making, setMaking] = useState(false);
  const [issued, setIssued] = useState<Issued>();
  const [shown, setShown] = useState<EventSubscription>();
  const [ending, setEnding] = useState<EventSubscription>();
  const query = useInfiniteQuery(listQuery<EventSubscription>(PATH));
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const again = () => queries.invalidateQueries({ queryKey: ["list", PATH] });
  const act = async (text: string, work: () => Promise<unknown>) => {
    try {
      await work();
      tell(text);
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
    await again();
  };
  const make = mayAct && (
    <Button kind="primary" onClick={() => setMaking(true)}>
      Tell a system of events
    </Button>
  );
  return (
    <Section
      about="attache tells your own systems what happens: a credential that fails, a customer who connected, a change of an operator's. Each request is signed."
      acts={make}
    >
      <List
        query={query}
        empty={
          <Empty title="Nobody is told of events yet" acts={make}>
            Have your on-call channel told when a customer's credential begins to fail, before they tell you.
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Event subscriptions"
            rows={items}
            keyOf={(it) => it.key}
            columns={[
              { head: "Name", cell: (it) => <strong className="font-medium">{it.name || it.key}</strong> },
              { head: "Where", cell: (it) => <span className="font-mono text-xs break-all">{it.url}</span> },
              { head: "What", narrow: "hide", cell: (it) => (it.types?.length ? it.types.join(", ") : "everything") },
              {
                head: "State",
                cell: (it) => (
                  <span className="inline-flex flex-wrap items-center gap-2">
                    <Badge tone={STATES[it.status ?? ""] ?? "dim"}>{it.status}</Badge>
                    {(it.pending ?? 0) > 0 && (
                      <span className="text-xs text-dim">{count(it.pending ?? 0, "event")} waiting</span>
                    )}
                  </span>
                ),
              },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) => (
                  <span className="inline-flex gap-1.5">
                    <Button onClick={() => setShown(it)} aria-label={`What was sent to ${it.key}`}>
                      Sent
                    </Button>
                    {mayAct && !it.source && (
                      <Menu
                        label={`More for ${it.key}`}
                        items={[
                          {
                            label: "Send a test",
                            onSelect: () =>
                              act("A test is on its way", () => json("POST", `${PATH}/${part(it.key)}/test`)),
                          },
                          {
                            label: "Another secret",
                            onSelect: () =>
                              act("There is another secret", async () =>
                                setIssued(
                                  await json<IssuedEventSubscription>("POST", `${PATH}/${part(it.key)}/rotate`, {}),
                                ),
                              ),
                          },
                          {
                            label: it.enabled === false ? "Switch on" : "Switch off",
                            onSelect: () =>
                              act(it.enabled === false ? "It is switched on" : "It is switched off", () =>
                                json(
                                  "PATCH",
                                  `${PATH}/${part(it.key)}`,
                                  { enabled: it.enabled === false },
                                  { "Content-Type": "application/merge-patch+json" },
                                ),
                              ),
                          },
                          { label: "Delete …", danger: true, onSelect: () => setEnding(it) },
                        ]}
                      />
                    )}
                  </span>
                ),
              },
            ]}
          />
        )}
      </List>
      {making && (
        <NewSubscription
          onClose={() => setMaking(false)}
          onMade={async (it) => {
            setMaking(false);
            setIssued(it);
            await again();
          }}
        />
      )}
      {issued && (
        <Dialog title={`The secret of ${issued.key}`} open onClose={() => setIssued(undefined)}>
          <div className="grid gap-3">
            <Notice tone="warn">
              It is shown this once. The receiver checks each request with it (Standard Webhooks).
            </Notice>
            <CodeBlock text={issued.secret} label="Secret" />
          </div>
          <Acts>
            <Button kind="primary" onClick={() => setIssued(undefined)}>
              I have kept it
            </Button>
          </Acts>
        </Dialog>
      )}
      {shown && <SentEvents subscription={shown} onClose={() => setShown(undefined)} />}
      <Confirm
        title={`Delete ${ending?.key}?`}
        act="Delete it"
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        onAct={async () => {
          if (!ending) return;
          await json("DELETE", `${PATH}/${part(ending.key)}${(ending.pending ?? 0) > 0 ? "?force=true" : ""}`);
          await again();
          tell(`${ending.key} is deleted`);
        }}
      >
        Nothing is sent to {ending?.url} any more
        {(ending?.pending ?? 0) > 0 &&
          `, and ${count(ending?.pending ?? 0, "event")} that still wait are not sent at all`}
        .
      </Confirm>
    </Section>
  );
}

function NewSubscription({ onClose, onMade }: { onClose: () => void; onMade: (issued: Issued) => void }) {
  const [key, setKey] = useState("");
  const [url, setUrl] = useState("");
  const [what, setWhat] = useState<"trouble" | "all">("trouble");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const at = (pointer: string) => (isApiError(error) ? error.at(pointer) : undefined);
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      onMade(
        await json<IssuedEventSubscription>("POST", PATH, { key, url, ...(what === "trouble" && { types: TROUBLE }) }),
      );
    } catch (told) {
      setError(told);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Tell a system of events" open onClose={onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Key" error={at("/key")}>
          {(ties) => (
            <TextInput
              {...ties}
              mono
              required
              autoFocus
              placeholder="on-call"
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <Field label="URL" help="Where events are sent: https." error={at("/url")}>
          {(ties) => (
            <TextInput
              {...ties}
              mono
              required
              type="url"
              placeholder="https://app.example.com/attache-events"
              value={url}
              onChange={(event) => setUrl(event.target.value)}
            />
          )}
        </Field>
        <Choices
          label="What it is told of"
          value={what}
          onChange={setWhat}
          options={[
            {
              value: "trouble",
              label: "Trouble",
              help: "Credentials that fail and recover, webhooks that are refused, connections that did not come about.",
            },
            { value: "all", label: "Everything", help: "Each change as well. Single types are chosen by the API." },
          ]}
        />
        <Failure error={error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            Make it
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}

function SentEvents({ subscription, onClose }: { subscription: EventSubscription; onClose: () => void }) {
  const path = `${PATH}/${part(subscription.key)}/deliveries`;
  const query = useInfiniteQuery({ ...listQuery<EventDelivery>(path), refetchInterval: 3000 });
  const mayAct = useMay("operator");
  const [error, setError] = useState<unknown>();
  const retry = async (event: string) => {
    setError(undefined);
    try {
      await json("POST", `${path}/${part(event)}/retry`);
      await query.refetch();
    } catch (told) {
      setError(told);
    }
  };
  return (
    <Dialog title={`Sent to ${subscription.name || subscription.key}`} open onClose={onClose} wide>
      <Failure error={error} />
      <List query={query} empty={<Empty title="Nothing was sent yet" />}>
        {(items) => (
          <Table
            label="Events sent"
            rows={items}
            keyOf={(it) => String(it.seq)}
            columns={[
              { head: "When", cell: (it) => <Moment at={it.created_at} /> },
              { head: "Event", cell: (it) => it.type ?? "forgotten" },
              { head: "State", cell: (it) => <Badge tone={STATES[it.state] ?? "dim"}>{it.state}</Badge> },
              {
                head: "Came of it",
                cell: (it) => (
                  <span className="text-dim">
                    {it.last_problem ?? (it.last_status ? `answered ${it.last_status}` : "")}
                  </span>
                ),
              },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) =>
                  mayAct &&
                  it.event &&
                  it.state !== "delivered" && (
                    <Button aria-label={`Send event ${it.seq} again`} onClick={() => retry(it.event ?? "")}>
                      Send again
                    </Button>
                  ),
              },
            ]}
          />
        )}
      </List>
    </Dialog>
  );
}
