import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { every, listQuery, part } from "~/api/pages";
import type { EventSubscription, IssuedEventSubscription } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Issued } from "~/kit/issued";
import { List } from "~/kit/list";
import { Menu } from "~/kit/menu";
import { Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { count } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty, Failure } from "~/kit/told";
import { SentEvents } from "./sent-events";
import { NewSubscription, Rotate } from "./subscription-dialogs";
import { PATH, STATES, whatOf } from "./subscription-form";

type Made = Pick<IssuedEventSubscription, "key" | "secret">;

/** Who of your own systems is told of what happens here, by signed requests. */
export function Subscriptions() {
  const [making, setMaking] = useState(false);
  const [turning, setTurning] = useState<EventSubscription>();
  const [error, setError] = useState<unknown>();
  const [issued, setIssued] = useState<Made>();
  const [shown, setShown] = useState<EventSubscription>();
  const [ending, setEnding] = useState<EventSubscription>();
  const query = useInfiniteQuery({ ...listQuery<EventSubscription>(PATH), refetchInterval: every(5_000) });
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const again = () => queries.invalidateQueries({ queryKey: ["list", PATH] });
  const made = async (it: Made) => {
    setMaking(false);
    setTurning(undefined);
    setIssued({ key: it.key, secret: it.secret });
    await again();
  };
  const act = async (text: string, work: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await work();
      tell(text);
    } catch (told) {
      setError(told);
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
      <Failure error={error} />
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
              {
                head: "What",
                narrow: "hide",
                cell: (it) => <span title={it.types?.join(", ")}>{whatOf(it.types)}</span>,
              },
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
                            label: "Another secret …",
                            onSelect: () => setTurning(it),
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
      {making && <NewSubscription onClose={() => setMaking(false)} onDone={made} />}
      {turning && <Rotate subscription={turning} onClose={() => setTurning(undefined)} onDone={made} />}
      {issued && (
        <Issued
          title={`The secret of ${issued.key}`}
          label="Secret"
          secret={issued.secret}
          onClose={() => setIssued(undefined)}
        >
          . The receiver checks each request with it (Standard Webhooks).
        </Issued>
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
