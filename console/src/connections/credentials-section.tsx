import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Connection, Verified } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Card, Section } from "~/kit/page";
import { Code, Moment } from "~/kit/text";
import { Badge, Failure, Notice } from "~/kit/told";
import { act, deleteCredentials, type Place } from "./acts";
import { ConnectButton } from "./connect-button";
import { consents, labelOf } from "./method/fields";
import { useReadAgain } from "./query";
import { fieldsOf, SetCredentials } from "./set-credentials";

interface Props {
  connection: Connection;
  place: Place;
}

/** What there is of each field: a fingerprint and since when. Values are never shown. */
export function CredentialsSection({ connection, place }: Props) {
  const [asks, setAsks] = useState<"set" | "delete">();
  const mayAct = useMay("operator") && !connection.source;
  const again = useReadAgain();
  const isTest = place === "test_credentials";
  const set = connection[place] ?? {};
  const fields = fieldsOf(connection, place);
  const names = [
    ...new Set([...fields.filter((it) => it.need !== "obtained").map((it) => it.name), ...Object.keys(set)]),
  ];
  const label = (name: string) => fields.find((it) => it.name === name)?.label ?? labelOf(name);
  const hasAny = Object.keys(set).length > 0;
  const checking = useMutation({
    mutationFn: () => act<Verified>(connection.key, "verify", undefined, { test: isTest }),
  });
  if (names.length === 0 && !isTest) return null;
  const canCheck = hasAny && (!connection.embedded || isTest);
  return (
    <Section
      title={isTest ? "Test credentials" : connection.embedded ? "Set once, for all tenants" : "Credentials"}
      about={
        isTest
          ? "Used by requests tagged Attache-Test: true, and by Try it where no tenant is chosen."
          : "Sealed in the store, and never shown. A fingerprint is the same for the same value."
      }
      acts={
        mayAct && (
          <>
            {canCheck && (
              <Button busy={checking.isPending} onClick={() => checking.mutate()}>
                Check
              </Button>
            )}
            {hasAny && (isTest || connection.embedded) && <Button onClick={() => setAsks("delete")}>Delete</Button>}
            {isTest && consents(connection.auth_method ?? {}) && (
              <ConnectButton connection={connection} test kind="plain" label="Connect a test account" />
            )}
            {fields.length > 0 && (
              <Button kind={hasAny ? "plain" : "primary"} onClick={() => setAsks("set")}>
                {hasAny ? "Change" : "Enter them"}
              </Button>
            )}
          </>
        )
      }
    >
      <Card className="grid gap-3">
        <dl className="grid grid-cols-1 gap-x-6 gap-y-2 text-[13px] sm:grid-cols-[minmax(8rem,auto)_1fr]">
          {names.map((name) => (
            <div key={name} className="contents">
              <dt className="text-dim">{label(name)}</dt>
              <dd>
                {set[name] ? (
                  <>
                    <Code>{set[name].fingerprint}</Code>, set <Moment at={set[name].set_at} />
                  </>
                ) : (
                  <Badge>not set</Badge>
                )}
              </dd>
            </div>
          ))}
        </dl>
        {isTest && !hasAny && (
          <p className="text-[13px] text-dim">There are none. With them, endpoints can be tried without a tenant.</p>
        )}
        {checking.data && <Verdict verified={checking.data} />}
        <Failure error={checking.error} />
      </Card>
      {asks === "set" && <SetCredentials connection={connection} place={place} onClose={() => setAsks(undefined)} />}
      <Confirm
        title={isTest ? "Delete the test credentials?" : "Delete what is set here?"}
        act="Delete"
        open={asks === "delete"}
        onClose={() => setAsks(undefined)}
        onAct={async () => {
          await deleteCredentials(connection.key, place);
          await again();
        }}
      >
        {isTest
          ? "Requests tagged Attache-Test: true are refused from then on. Tenants keep theirs."
          : "Activations that inherit these can't be used any more, unless each tenant has its own."}
      </Confirm>
    </Section>
  );
}

export function Verdict({ verified }: { verified: Verified }) {
  const by = verified.by === "renewal" ? "another token was had with it" : "the API was asked";
  if (verified.works) return <Notice tone="good" title={verified.by ? `It works: ${by}` : "It works"} />;
  if (verified.works === false) {
    return (
      <Notice tone="bad" title="It does not work">
        {verified.why} {verified.reconnect && "The account has to be connected again."}
      </Notice>
    );
  }
  return (
    <Notice tone="warn" title="Nobody can tell">
      {verified.why ?? "The auth method has no probe: say under How a credential is tried which request tells."}
    </Notice>
  );
}
