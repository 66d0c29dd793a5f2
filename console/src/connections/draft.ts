import type { Connector, NewConnection } from "~/api/schema";
import { type CredentialField, consents, credentialFields, isOfTheApp } from "./method/fields";
import { type Method, typeOf, written } from "./method/types";

/** Whose credentials a connection works with. */
export type Whose = "everyone" | "tenant" | "operator";

/** A connection while it is written, with its auth method where that is written with it. */
export interface Draft {
  way: "reuse" | "new" | "adjust";
  /** The method that is reused or adjusted. */
  auth: string;
  method: Method;
  methodKey: string;
  name: string;
  key: string;
  /** Somebody wrote the key: it follows the name no more. */
  isKeyOwn: boolean;
  baseUrl: string;
  variables: Record<string, string>;
  whose: Whose;
  /** By field. In memory only, and gone with the form. */
  credentials: Record<string, string>;
  /** Inputs of an embedded connection that are set otherwise than by default. */
  inputs: Record<string, "global" | "tenant">;
  expose: boolean;
}

type OfConnector = Pick<Connector, "key" | "name" | "auth" | "variables">;

/** What a form for this connector begins with: its first outbound method, or a new one where it has none. */
export function begin(connector: OfConnector, wanted?: string, near = ""): Draft {
  const methods = Object.entries(connector.auth ?? {});
  const first =
    methods.find(([key]) => key === wanted) ?? methods.find(([, it]) => typeOf(it) !== "hmac") ?? methods[0];
  const name = [near, connector.name || connector.key].filter(Boolean).join(" - ");
  return {
    way: first ? "reuse" : "new",
    auth: first?.[0] ?? "",
    method: { api_key: { in: "header", name: "Authorization", format: "Bearer {key}" } },
    methodKey: "",
    name,
    key: keyFrom([connector.key, near].filter(Boolean).join("-")),
    isKeyOwn: false,
    baseUrl: "",
    variables: {},
    whose: "everyone",
    credentials: {},
    inputs: {},
    expose: false,
  };
}

/** A key made of a name: small letters, digits, dots, dashes and underscores, at most 63 of them. */
export function keyFrom(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return plain
    .replaceAll(/[^a-z0-9._]+/g, "-")
    .replaceAll(/^[-._]+|[-._]+$/g, "")
    .slice(0, 63);
}

/** The method that the connection will have, as it is written now. */
export function methodOf(draft: Draft, connector: OfConnector): Method {
  return draft.way === "reuse" ? written(connector.auth?.[draft.auth] ?? {}) : draft.method;
}

/** The key of that method. */
export function methodKeyOf(draft: Draft, connector: OfConnector): string {
  if (draft.way !== "new") return draft.auth;
  const proposed = draft.methodKey || keyFrom(draft.method.name || typeOf(draft.method).replaceAll("_", "-"));
  const taken = new Set(Object.keys(connector.auth ?? {}));
  if (draft.methodKey || !taken.has(proposed)) return proposed;
  let number = 2;
  while (taken.has(`${proposed}-${number}`)) number += 1;
  return `${proposed}-${number}`;
}

/** Why a method can't be saved: what the connector has by now is not what the form began with. */
export function methodConflict(draft: Draft, key: string, before: OfConnector, now: OfConnector): string | undefined {
  const there = now.auth?.[key];
  if (draft.way === "new") {
    return there && `Somebody has made a method ${key} meanwhile: give yours another key, or reuse that one.`;
  }
  if (!there) return `Somebody has deleted the method ${key} meanwhile: make a new one.`;
  return there.revision === before.auth?.[key]?.revision
    ? undefined
    : `Somebody has changed the method ${key} meanwhile. Open this page again to adjust what it is now.`;
}

export function isEmbedded(draft: Draft): boolean {
  return draft.whose !== "everyone";
}

/** Where a field or variable of an embedded connection is set, unless said. */
export function inputOf(draft: Draft, method: object, name: string, isVariable: boolean): "global" | "tenant" {
  const said = draft.inputs[name];
  if (said) return said;
  return !isVariable && isOfTheApp(method, name) ? "global" : "tenant";
}

/** The fields to be filled in now: all of a standard connection's, of an embedded one those that are set once. */
export function fieldsToFill(draft: Draft, method: object, variables: readonly string[]): CredentialField[] {
  const fields = credentialFields(method, variables).filter((it) => it.need !== "obtained");
  return isEmbedded(draft) ? fields.filter((it) => inputOf(draft, method, it.name, false) === "global") : fields;
}

/** What is sent to create it. Nothing of a credential that no field asks for any more goes along. */
export function connectionBody(draft: Draft, connector: OfConnector): NewConnection {
  const method = methodOf(draft, connector);
  const variables = Object.keys(connector.variables ?? {});
  const embedded = isEmbedded(draft);
  const isSetHere = (name: string) =>
    !embedded || inputOf(draft, method, name, true) === "global" || !draft.inputs[name];
  const named = Object.entries(draft.variables).filter(([name, value]) => value !== "" && isSetHere(name));
  const asked = new Set(fieldsToFill(draft, method, variables).map((it) => it.name));
  const obtained = credentialFields(method, variables).filter((it) => it.need === "obtained");
  for (const it of embedded ? [] : obtained) asked.add(it.name);
  const given = Object.entries(draft.credentials).filter(([name, value]) => value !== "" && asked.has(name));
  const inputs = Object.entries(draft.inputs).filter(([name, input]) => input !== defaultInput(draft, method, name));
  return {
    key: draft.key,
    ...(draft.name && draft.name !== draft.key && { name: draft.name }),
    connector: connector.key,
    auth: methodKeyOf(draft, connector),
    ...(embedded && { embedded: true }),
    ...(draft.whose === "operator" && { supplied_by: "operator" }),
    ...(draft.baseUrl.trim() && { base_url: draft.baseUrl.trim() }),
    ...(named.length > 0 && { variables: Object.fromEntries(named) }),
    ...(given.length > 0 && { credentials: Object.fromEntries(given) }),
    ...(embedded && inputs.length > 0 && { inputs: Object.fromEntries(inputs) }),
    ...(draft.expose && { expose: true }),
  } as NewConnection;
}

function defaultInput(draft: Draft, method: object, name: string): "global" | "tenant" {
  return inputOf({ ...draft, inputs: {} }, method, name, false);
}

/** Whether somebody has to consent before it works, once it is there. */
export function needsConsent(draft: Draft, method: object): boolean {
  return (
    !isEmbedded(draft) &&
    consents(method) !== undefined &&
    !draft.credentials.refresh_token &&
    !draft.credentials.access_token
  );
}

/** None, where the API's description wants credentials. */
export function wantsCredentials(connector: OfConnector, method: object): boolean {
  if (typeOf(method) !== "none") return false;
  return Object.values(connector.auth ?? {}).some((it) => !["none", "hmac"].includes(typeOf(it)));
}

/** A base URL with its variables filled in; one without a value stays in its braces. */
export function filledIn(url: string, variables: Record<string, string>, defaults: OfConnector["variables"]): string {
  return url.replaceAll(/\{([a-z0-9_]+)\}/gi, (braces, name: string) => {
    const fallback = (defaults as Record<string, { default?: string | null }> | undefined)?.[name]?.default;
    return variables[name] || fallback || braces;
  });
}
