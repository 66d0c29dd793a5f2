import { part } from "~/api/pages";
import type { Activation, Connection, Connector } from "~/api/schema";
import { Choices } from "~/kit/field";
import { nameOf } from "../data";
import { Pick } from "./pick";

export interface Chosen {
  connection?: string;
  tenant?: string;
  as?: "test";
}

interface Props {
  connector: Connector;
  connection: Connection | undefined;
  chosen: Chosen;
  onChange: (chosen: Chosen) => void;
}

/** By which connection a request goes and, where each tenant has credentials of its own, by whose. */
export function WhomPart({ connector, connection, chosen, onChange }: Props) {
  return (
    <div className="grid gap-4">
      <Pick<Connection>
        label="Connection"
        path="/v1/connections"
        query={{ connector: connector.key }}
        value={chosen.connection}
        none="Choose one"
        keyOf={(it) => it.key}
        wordsOf={(it) =>
          `${nameOf(it)}${it.embedded ? ", embedded" : ""}${it.status === "disabled" ? ", disabled" : ""}`
        }
        onPick={(it) => onChange(it ? { connection: it } : {})}
      />
      {connection?.embedded && (
        <div className="grid items-start gap-4 sm:grid-cols-2">
          <Choices
            label="Whose credentials"
            value={chosen.as ?? "tenant"}
            options={[
              { value: "tenant", label: "A tenant's" },
              {
                value: "test",
                label: "The test credentials",
                disabled: !hasTest(connection),
                help: testHelp(connection),
              },
            ]}
            onChange={(it) => onChange({ connection: connection.key, ...(it === "test" && { as: "test" }) })}
          />
          {chosen.as !== "test" && (
            <Pick<Activation>
              label="Tenant"
              path={`/v1/connections/${part(connection.key)}/activations`}
              value={chosen.tenant}
              none="Choose one"
              keyOf={(it) => it.tenant}
              wordsOf={(it) => it.tenant}
              onPick={(it) => onChange({ connection: connection.key, ...(it && { tenant: it }) })}
            />
          )}
        </div>
      )}
    </div>
  );
}

export function hasTest(connection: Connection): boolean {
  return Object.keys(connection.test_credentials ?? {}).length > 0;
}

function testHelp(connection: Connection): string {
  return hasTest(connection)
    ? "Kept with the connection, for trying out."
    : "None are set: the connection's page takes them.";
}
