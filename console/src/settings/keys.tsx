import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { isApiError } from "~/api/problem";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, count } from "~/kit/text";
import { Badge, Empty, Failure, Loading, Notice } from "~/kit/told";
import { SettingsPage } from "./settings-page";

interface Rotation {
  state: "running" | "done" | "failed";
  moved: number;
  total: number;
  started_at: string;
  detail?: string | null;
}

interface Keys {
  newest: string;
  keys: { id: string; opens: boolean; credentials: number }[];
  rotation?: Rotation | null;
}

/** Under which keys what is stored is sealed, and moving all of it under the newest. */
export function KeysPage() {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const mayAct = useMay("admin");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["keys"],
    queryFn: () => json<Keys>("GET", "/v1/keys"),
    refetchInterval: (query) => (query.state.data?.rotation?.state === "running" ? 1000 : false),
  });
  const rotate = useMutation({
    mutationFn: () => json<Keys>("POST", "/v1/keys/rotate", {}),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  const old = data?.keys.filter((it) => it.id !== data.newest && it.credentials > 0) ?? [];
  const left = old.reduce((sum, it) => sum + it.credentials, 0);
  return (
    <SettingsPage
      title="Keys"
      about="Each credential is sealed under a data key of its own, and those under yours. A new key is given to every attache first (seal.keys), then everything is put under it, and only then is the old one taken away."
      acts={
        mayAct &&
        data && (
          <Button
            kind="primary"
            disabled={left === 0 || data.rotation?.state === "running"}
            onClick={() => setAsking(true)}
          >
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
              { head: "Sealed under it", cell: (it) => count(it.credentials, "credential") },
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
        {count(left, "credential")} will be put under <Code>{data?.newest ?? ""}</Code> while everything goes on. Every
        attache of this deployment has to have that key by now. Backups from before still need the old one.
      </Confirm>
    </SettingsPage>
  );
}

function Progress({ rotation }: { rotation: Rotation }) {
  const share = rotation.total > 0 ? Math.min(1, rotation.moved / rotation.total) : 1;
  const said = `${rotation.moved.toLocaleString("en")} of ${rotation.total.toLocaleString("en")}`;
  if (rotation.state === "failed")
    return (
      <Notice tone="bad" title={`The rotation ended early, after ${said}.`}>
        {rotation.detail ?? "It can be begun again: what was done stays done."}
      </Notice>
    );
  if (rotation.state === "done")
    return <Notice tone="good" title={`The rotation is done: ${said} put under the newest key.`} />;
  return (
    <Notice title={`Rotating: ${said}`}>
      <progress aria-label="Rotation" className="mt-1 h-2 w-full accent-(--accent)" value={share} max={1} />
    </Notice>
  );
}
