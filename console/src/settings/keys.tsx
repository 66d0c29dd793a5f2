import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { isApiError } from "~/api/problem";
import type { KeyRotation, SealingKeys } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, count, Moment } from "~/kit/text";
import { Badge, Empty, Failure, Loading, Notice } from "~/kit/told";
import { SettingsPage } from "./settings-page";

/** Under which keys what is stored is sealed, and moving all of it under the newest. */
export function KeysPage() {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const mayAct = useMay("admin");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["keys"],
    queryFn: () => json<SealingKeys>("GET", "/v1/keys"),
    refetchInterval: (query) => (query.state.data?.rotation?.state === "running" ? 1000 : false),
  });
  const rotate = useMutation({
    mutationFn: () => json<SealingKeys>("POST", "/v1/keys/rotate", {}),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  const old = data?.keys.filter((it) => it.id !== data.newest && it.credentials > 0) ?? [];
  const left = old.reduce((sum, it) => sum + it.credentials, 0);
  return (
    <SettingsPage
      title="Keys"
      about="Each secret that is stored (a credential, a token, a key of attache's own) is sealed under a data key of its own, and those under yours. A new key is given to every attache first (seal.keys), then everything is put under it, and only then is the old one taken away."
      acts={
        mayAct &&
        data &&
        (left > 0 || data.rotation?.state === "running") && (
          <Button kind="primary" busy={data.rotation?.state === "running"} onClick={() => setAsking(true)}>
            Put everything under the newest
          </Button>
        )
      }
    >
      {isPending ? (
        <Loading />
      ) : isApiError(error) && error.code === "no_store" ? (
        <Empty title="Nothing is stored">
          This attache runs from its files alone, so that there is nothing to seal.
        </Empty>
      ) : error || !data ? (
        <Failure error={error} again={() => refetch()} />
      ) : (
        <>
          {data.rotation && (
            <Section>
              <Progress rotation={data.rotation} />
            </Section>
          )}
          {left === 0 && data.rotation?.state !== "running" && (
            <p className="mb-3 text-[13px] text-dim">
              All of it is under the newest key. To change keys, put a new one first in <Code>seal.keys</Code>, and come
              back.
            </p>
          )}
          <Table
            label="Sealing keys"
            rows={data.keys}
            keyOf={(it) => it.id}
            columns={[
              {
                head: "Key",
                cell: (it) => (
                  <span className="inline-flex flex-wrap items-center gap-2">
                    <Code>{it.id}</Code>
                    {it.id === data.newest && <Badge tone="good">newest: it seals</Badge>}
                  </span>
                ),
              },
              { head: "Sealed under it", cell: (it) => sealed(it.credentials) },
              {
                head: "This attache",
                cell: (it) =>
                  it.opens ? (
                    <Badge tone="good">has it</Badge>
                  ) : (
                    <Badge tone="bad">does not have it: these can't be opened</Badge>
                  ),
              },
            ]}
          />
        </>
      )}
      <Confirm
        title="Put everything under the newest key?"
        act="Begin"
        danger={false}
        open={asking}
        onClose={() => setAsking(false)}
        onAct={() => rotate.mutateAsync()}
      >
        {sealed(left)} will be put under <Code>{data?.newest ?? ""}</Code> while everything goes on. Every attache of
        this deployment has to have that key by now. Backups from before still need the old one.
      </Confirm>
    </SettingsPage>
  );
}

/** Credentials, tokens and whatever else is a secret of its own: the API counts them all together. */
function sealed(number: number): string {
  return count(number, "secret");
}

function Progress({ rotation }: { rotation: KeyRotation }) {
  const share = rotation.total > 0 ? Math.min(1, rotation.moved / rotation.total) : 1;
  const said = `${rotation.moved.toLocaleString("en")} of ${rotation.total.toLocaleString("en")}`;
  if (rotation.state === "failed")
    return (
      <Notice tone="bad" title={`The rotation ended early, after ${said}.`}>
        {rotation.problem ?? "It can be begun again: what was done stays done."}
      </Notice>
    );
  if (rotation.state === "done")
    return (
      <Notice tone="good" title={`The rotation is done: ${said} put under the newest key.`}>
        {rotation.ended_at && (
          <>
            It ended <Moment at={rotation.ended_at} />.
          </>
        )}
      </Notice>
    );
  return (
    <Notice title={`Rotating: ${said}`}>
      <progress aria-label="Rotation" className="mt-1 h-2 w-full accent-(--accent)" value={share} max={1} />
    </Notice>
  );
}
