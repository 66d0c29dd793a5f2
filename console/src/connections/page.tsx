import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Connection } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button, ButtonLink } from "~/kit/button";
import { Menu } from "~/kit/menu";
import { Page } from "~/kit/page";
import { Code, Copy, Initials } from "~/kit/text";
import { Failure, Loading, Notice } from "~/kit/told";
import { ConnectionBadges, EmbeddedBanner } from "./card";
import { ConfirmOrigin } from "./confirm-origin";
import { ConnectButton } from "./connect-button";
import { CredentialsSection } from "./credentials-section";
import { DeleteConnection } from "./delete";
import { EditConnection } from "./edit";
import { MethodSection, PlaceSection, SettingsSection } from "./facts-sections";
import { GrantSection } from "./grant-section";
import { healthOf } from "./health";
import { hasGrant } from "./method/fields";
import { typeOf } from "./method/types";
import { NextSteps, TryIt } from "./next-steps";
import { connectionQuery, type Read } from "./query";
import { RepinConnection } from "./repin";
import { ReplaceConnection } from "./replace";
import { SetCredentials } from "./set-credentials";
import { SwitchConnection } from "./switch";
import { UsesSection } from "./uses-section";

/** Between two looks at a connection that waits for something from elsewhere. */
const LOOK_MS = 3000;

/** One connection: how it is and what to do, what it is made of, and who depends on it. */
export function ConnectionPage() {
  const { key } = useParams({ from: "/connections/$key" });
  const query = useQuery({
    ...connectionQuery(key),
    // What a sender hands over comes without anybody's doing here.
    refetchInterval: (it) => (it.state.data?.connection.status === "waiting_for_secret" ? LOOK_MS : false),
  });
  if (query.data) return <Shown read={query.data} />;
  return (
    <Page title={key} up={{ label: "Connections", to: "/connections" }}>
      {query.isPending ? <Loading rows={6} /> : <Failure error={query.error} again={() => query.refetch()} />}
    </Page>
  );
}

type Asks = "edit" | "switch" | "repin" | "replace" | "delete" | "confirm" | "test";

function Shown({ read }: { read: Read }) {
  const { connection } = read;
  const { next } = useSearch({ from: "/connections/$key" });
  const [asks, setAsks] = useState<Asks>();
  const mayAct = useMay("operator");
  const navigate = useNavigate();
  const close = () => setAsks(undefined);
  const method = connection.auth_method ?? {};
  const editable = mayAct && !connection.source;
  const done = () => navigate({ to: "/connections/$key", params: { key: connection.key }, search: {}, replace: true });
  return (
    <Page
      title={connection.name || connection.key}
      mark={<Initials name={connection.connector} />}
      about={
        <span className="inline-flex flex-wrap items-center gap-1.5">
          <Code>{connection.key}</Code> <Copy text={connection.key} label="Copy key" />
          <ConnectionBadges connection={connection} />
        </span>
      }
      up={{ label: "Connections", to: "/connections" }}
      acts={
        <>
          <ButtonLink to="/live" search={{ connection: connection.key }}>
            Recent requests
          </ButtonLink>
          {mayAct && typeOf(method) !== "hmac" && <TryIt connection={connection} />}
          {editable && (
            <>
              <Button onClick={() => setAsks("edit")}>Edit</Button>
              <Menu
                label="More that can be done"
                items={[
                  {
                    label: connection.embedded ? "Switch to standard" : "Switch to embedded",
                    onSelect: () => setAsks("switch"),
                  },
                  { label: "Pin another revision", onSelect: () => setAsks("repin") },
                  { label: "Replace it everywhere", onSelect: () => setAsks("replace") },
                  { label: "Delete", danger: true, onSelect: () => setAsks("delete") },
                ]}
              />
            </>
          )}
        </>
      }
    >
      {next === "made" && <NextSteps connection={connection} onTest={() => setAsks("test")} onDone={done} />}
      {next !== "made" && <StatusNotice connection={connection} onConfirm={() => setAsks("confirm")} mayAct={mayAct} />}
      <div className="grid gap-x-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div>
          <MethodSection connection={connection} onRepin={editable ? () => setAsks("repin") : undefined} />
          {connection.embedded && (
            <div className="mb-7">
              <EmbeddedBanner />
            </div>
          )}
          <CredentialsSection connection={connection} place="credentials" />
          {!connection.embedded && hasGrant(method) && (
            <GrantSection connection={connection} grant={connection.grant ?? undefined} />
          )}
          {connection.embedded && <CredentialsSection connection={connection} place="test_credentials" />}
          {connection.embedded && connection.test_grant && (
            <GrantSection connection={connection} grant={connection.test_grant} test />
          )}
        </div>
        <div>
          <PlaceSection connection={connection} />
          <UsesSection
            connection={connection}
            acts={editable && <Button onClick={() => setAsks("replace")}>Replace</Button>}
          />
          <SettingsSection read={read} editable={editable} />
        </div>
      </div>
      {asks === "edit" && <EditConnection read={read} onClose={close} />}
      {asks === "switch" && <SwitchConnection read={read} onClose={close} />}
      {asks === "repin" && <RepinConnection read={read} onClose={close} />}
      {asks === "replace" && <ReplaceConnection read={read} onClose={close} />}
      {asks === "delete" && <DeleteConnection read={read} onClose={close} />}
      {asks === "confirm" && <ConfirmOrigin read={read} onClose={close} />}
      {asks === "test" && <SetCredentials connection={connection} place="test_credentials" onClose={close} />}
    </Page>
  );
}

/** What there is to do about how it is; nothing where it is well. */
function StatusNotice({
  connection,
  onConfirm,
  mayAct,
}: {
  connection: Connection;
  onConfirm: () => void;
  mayAct: boolean;
}) {
  const health = healthOf(connection);
  if (health.tone === "good") return null;
  const isDead = ["reauthorization_required", "revoked", "expiring"].includes(connection.grant?.state ?? "");
  const act =
    connection.status === "origin_changed" ? (
      <Button kind="primary" onClick={onConfirm}>
        Look at both places
      </Button>
    ) : connection.status === "not_activated" ? (
      <ButtonLink to="/users">Activate a tenant</ButtonLink>
    ) : isDead ? (
      <ConnectButton
        connection={connection}
        label={health.word === "Not connected" ? "Connect now" : "Connect again"}
      />
    ) : null;
  return (
    <div className="mb-6 grid gap-3">
      <Notice tone={health.tone} title={health.word} acts={mayAct && act}>
        {health.line}
      </Notice>
    </div>
  );
}
