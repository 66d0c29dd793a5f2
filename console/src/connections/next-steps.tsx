import { Link } from "@tanstack/react-router";
import type { Connection } from "~/api/schema";
import { Button, ButtonLink } from "~/kit/button";
import { Card } from "~/kit/page";
import { ConnectButton } from "./connect-button";
import { healthOf } from "./health";
import { consents, hasGrant } from "./method/fields";
import { typeOf } from "./method/types";

interface Props {
  connection: Connection;
  onTest: () => void;
  onDone: () => void;
}

/** What comes next, right after a connection was made. */
export function NextSteps({ connection, onTest, onDone }: Props) {
  const method = connection.auth_method ?? {};
  const inbound = typeOf(method) === "hmac";
  const hasTest = Object.keys(connection.test_credentials ?? {}).length > 0;
  return (
    <Card className="mb-6 grid gap-3 border-accent">
      <div className="flex items-start justify-between gap-3">
        <h2 className="text-[15px] font-semibold">It is made. What next?</h2>
        <Button kind="quiet" onClick={onDone} aria-label="Done with these steps">
          ×
        </Button>
      </div>
      {connection.embedded ? (
        <>
          <p className="text-[13px] text-dim">
            It does nothing until a tenant is activated. With test credentials you can try it before that.
          </p>
          <div className="flex flex-wrap gap-2">
            {!hasTest && (
              <Button kind="primary" onClick={onTest}>
                Enter test credentials
              </Button>
            )}
            <ButtonLink to="/users" search={{ connection: connection.key } as never}>
              Activate a tenant, or send a connect link
            </ButtonLink>
          </div>
        </>
      ) : consents(method) && healthOf(connection).word === "Not connected" ? (
        <>
          <p className="text-[13px] text-dim">Whoever owns the account consents at the provider, and it is ready.</p>
          <div>
            <ConnectButton connection={connection} label="Connect now" />
          </div>
        </>
      ) : inbound ? (
        <p className="text-[13px] text-dim">
          Give the sender the address under{" "}
          <Link to="/webhooks" className="text-accent underline">
            Webhooks
          </Link>
          : what it sends there is verified, and forwarded to {connection.effective_base_url}.
        </p>
      ) : (
        <>
          <p className="text-[13px] text-dim">
            {hasGrant(method) ? "The first request gets its token." : "It is ready."} Send one request through it.
          </p>
          <div>
            <TryIt connection={connection} kind="primary" />
          </div>
        </>
      )}
    </Card>
  );
}

/** To a request to its connector, with this connection chosen. */
export function TryIt({ connection, kind = "plain" }: { connection: Connection; kind?: "primary" | "plain" }) {
  const search = { connection: connection.key };
  return (
    <ButtonLink kind={kind} to="/connectors/$key/try" params={{ key: connection.connector }} search={search}>
      Try it
    </ButtonLink>
  );
}
