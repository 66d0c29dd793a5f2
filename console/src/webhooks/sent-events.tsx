import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { every, listQuery, part } from "~/api/pages";
import type { EventDelivery, EventSubscription } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Dialog } from "~/kit/dialog";
import { List } from "~/kit/list";
import { Table } from "~/kit/table";
import { Moment } from "~/kit/text";
import { Badge, Empty, Failure } from "~/kit/told";
import { PATH, STATES } from "./subscription-form";

/** What was sent to a subscription, and what came of each. */
export function SentEvents({ subscription, onClose }: { subscription: EventSubscription; onClose: () => void }) {
  const path = `${PATH}/${part(subscription.key)}/deliveries`;
  const query = useInfiniteQuery({ ...listQuery<EventDelivery>(path), refetchInterval: every(3000) });
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
