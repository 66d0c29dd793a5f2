import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Connection, Ended, GrantView, Known } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Card, Facts, Section } from "~/kit/page";
import { Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Failure, Notice } from "~/kit/told";
import { act } from "./acts";
import { ConnectButton } from "./connect-button";
import { grantHealth } from "./health";
import { consents } from "./method/fields";
import { useReadAgain } from "./query";

interface Props {
  connection: Connection;
  grant: GrantView | undefined;
  test?: boolean;
}

/** What tokens are had by: how it stands, when it ends, and what can be done about it. */
export function GrantSection({ connection, grant, test = false }: Props) {
  const [asks, setAsks] = useState(false);
  const mayAct = useMay("operator");
  const again = useReadAgain();
  const tell = useTell();
  const way = consents(connection.auth_method ?? {});
  const asking = useMutation({ mutationFn: () => act<Known>(connection.key, "introspect", undefined, { test }) });
  const renewing = useMutation({
    mutationFn: () => act(connection.key, "renew", undefined, { test }),
    onSuccess: () => {
      // What was known of the token before is of that one alone.
      asking.reset();
      tell("There is another token");
      void again();
    },
  });
  const health = grantHealth(grant);
  const connectable =
    way && (grant === undefined || ["reauthorization_required", "revoked", "expiring"].includes(grant.state));
  const isLive = grant && grant.state !== "revoked" && grant.state !== "reauthorization_required";
  return (
    <Section
      title={test ? "Tokens of the test credentials" : "Tokens"}
      about="attache gets them, and renews them before they end."
      acts={
        mayAct && (
          <>
            {isLive && (
              <>
                <Button onClick={() => setAsks(true)}>Revoke</Button>
                <Button busy={asking.isPending} onClick={() => asking.mutate()}>
                  Ask the provider
                </Button>
                <Button busy={renewing.isPending} onClick={() => renewing.mutate()}>
                  Renew now
                </Button>
              </>
            )}
            {way && (
              <ConnectButton
                connection={connection}
                test={test}
                kind={connectable ? "primary" : "plain"}
                label={grant?.last_renewed_at ? "Connect again" : "Connect now"}
              />
            )}
          </>
        )
      }
    >
      <Card className="grid gap-3">
        {grant ? <GrantFacts grant={grant} /> : <NoGrant waits={way !== undefined} />}
        {health && <p className="text-[13px] text-dim">{health.line}</p>}
        {asking.data && <KnownAnswer known={asking.data} />}
        <Failure error={renewing.error ?? asking.error} />
      </Card>
      <Confirm
        title="End the tokens?"
        act="Revoke"
        open={asks}
        onClose={() => setAsks(false)}
        onAct={async () => {
          const ended = await act<Ended>(connection.key, "revoke", undefined, { test });
          asking.reset();
          tell(ended.at_provider ? "Ended here and at the provider" : `Ended here${ended.why ? `; ${ended.why}` : ""}`);
          await again();
        }}
      >
        Its requests are refused from then on (424), until somebody connects it again. They are ended at the provider,
        too, where it can do that.
      </Confirm>
    </Section>
  );
}

function GrantFacts({ grant }: { grant: GrantView }) {
  const health = grantHealth(grant);
  const items: [string, React.ReactNode][] = [
    [
      "State",
      <Badge key="state" tone={health?.tone ?? "good"}>
        {health?.word ?? "Active"}
      </Badge>,
    ],
  ];
  if (grant.account) items.push(["Account", grant.account]);
  if (grant.expires_at) items.push(["The token ends", <Moment key="ends" at={grant.expires_at} />]);
  if (grant.renews_at) items.push(["Renewed by itself", <Moment key="renews" at={grant.renews_at} />]);
  if (grant.last_renewed_at) items.push(["Last renewed", <Moment key="last" at={grant.last_renewed_at} />]);
  if (grant.scopes?.length) items.push(["Granted scopes", grant.scopes.join(", ")]);
  if ((grant.missing_scopes ?? []).length > 0) items.push(["Missing scopes", grant.missing_scopes.join(", ")]);
  return <Facts items={items} />;
}

function NoGrant({ waits }: { waits: boolean }) {
  return (
    <p className="text-[13px] text-dim">
      {waits
        ? "There are none yet: whoever owns the account has to consent at the provider."
        : "There are none yet: the first request gets one."}
    </p>
  );
}

function KnownAnswer({ known }: { known: Known }) {
  return (
    <Notice
      tone={known.active ? "good" : "bad"}
      title={known.active ? "The provider takes the token" : "The provider does not take the token"}
    >
      {[known.account, known.scopes?.join(", ")].filter(Boolean).join(" · ")}
    </Notice>
  );
}
