import type { Connection, Connector } from "~/api/schema";
import { type CredentialField, credentialFields, isOfTheApp } from "~/connections/method/fields";

/** A variable that a tenant gives. */
export interface VariableField {
  name: string;
  label: string;
  help?: string;
  pattern?: string;
  value?: string;
  required: boolean;
}

/** Whether an input of an embedded connection is set by each tenant: as the connection says, or as is usual. */
export function isTenants(connection: Connection, name: string, isVariable: boolean): boolean {
  const said = connection.inputs?.[name];
  if (said) return said === "tenant";
  return isVariable || !isOfTheApp(connection.auth_method ?? {}, name);
}

/** What there is to fill in of a tenant's credential: what comes of a consent is not. */
export function credentialsOf(connection: Connection): CredentialField[] {
  return credentialFields(connection.auth_method ?? {}).filter(
    (it) => it.need !== "obtained" && isTenants(connection, it.name, false),
  );
}

/** The connector's variables that the tenant gives; one that the connection has a value for may be left as it is. */
export function variablesOf(
  connection: Connection,
  connector: Pick<Connector, "variables"> | undefined,
): VariableField[] {
  return Object.entries(connector?.variables ?? {})
    .filter(([name]) => isTenants(connection, name, true))
    .map(([name, it]) => {
      const value = connection.variables?.[name] ?? it.default ?? undefined;
      return {
        name,
        label: it.name || name,
        required: value === undefined,
        ...(it.description && { help: it.description }),
        ...(it.pattern && { pattern: it.pattern }),
        ...(value !== undefined && { value }),
      };
    });
}

/** What is typed, less what is empty. */
export function filled(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, it]) => it !== ""));
}
