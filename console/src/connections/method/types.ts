import type { AuthMethodBody } from "~/api/schema";

/** An auth method as it is written: its one type's settings under the type's name, and what is said of it besides. */
export type Method = Partial<AuthMethodBody>;
export type Settings = Record<string, unknown>;

export type TypeName =
  | "api_key"
  | "bearer"
  | "basic"
  | "oauth2"
  | "custom"
  | "session_login"
  | "jwt"
  | "digest"
  | "mtls"
  | "oauth1"
  | "aws_sigv4"
  | "signed_request"
  | "http_signature"
  | "hmac"
  | "none"
  | "all";

export type Group =
  | "Common"
  | "A login or a token"
  | "A signature or a certificate"
  | "Webhooks that come in"
  | "Other";

export interface TypeInfo {
  type: TypeName;
  name: string;
  /** What it is, in a line. */
  line: string;
  group: Group;
  /** What its settings begin with. */
  start: Settings;
}

const bearer = { in: "header", name: "Authorization", format: "Bearer {key}" };

/** In the order in which they are offered: those that most APIs have come first. */
export const TYPES: readonly TypeInfo[] = [
  {
    type: "api_key",
    name: "API key",
    line: "One key in a header, a query parameter or a cookie.",
    group: "Common",
    start: bearer,
  },
  { type: "bearer", name: "Bearer token", line: "Authorization: Bearer …", group: "Common", start: {} },
  { type: "basic", name: "Basic", line: "A user name and a password with each request.", group: "Common", start: {} },
  {
    type: "oauth2",
    name: "OAuth 2.0",
    line: "Access tokens that attache gets and renews: by a person's consent, or by the app itself.",
    group: "Common",
    start: { grant: "authorization_code" },
  },
  {
    type: "custom",
    name: "Custom",
    line: "Any fields, put into any headers, query parameters and cookies.",
    group: "Common",
    start: { inject: [{ in: "header", name: "X-Api-Key", value: "{key}" }] },
  },
  {
    type: "session_login",
    name: "Session login",
    line: "Calls that log in, and what their answers yield on each request.",
    group: "A login or a token",
    start: { steps: [], inject: [] },
  },
  {
    type: "jwt",
    name: "Signed JWT",
    line: "A token that attache signs itself, with a key that only it has.",
    group: "A login or a token",
    start: { algorithm: "ES256", claims: {} },
  },
  {
    type: "digest",
    name: "Digest",
    line: "A user name and a password that are never sent.",
    group: "A login or a token",
    start: {},
  },
  {
    type: "oauth1",
    name: "OAuth 1.0a",
    line: "Requests signed for a consumer and a token.",
    group: "A signature or a certificate",
    start: { signature: "hmac_sha1" },
  },
  {
    type: "aws_sigv4",
    name: "AWS Signature v4",
    line: "AWS and what is compatible with it, with a role if there is one.",
    group: "A signature or a certificate",
    start: {},
  },
  {
    type: "signed_request",
    name: "Signed request",
    line: "A provider's own signature: a preset, or described as data.",
    group: "A signature or a certificate",
    start: { preset: "hawk" },
  },
  {
    type: "http_signature",
    name: "HTTP message signature",
    line: "RFC 9421: chosen parts of each request are signed.",
    group: "A signature or a certificate",
    start: { algorithm: "ed25519", components: ["@method", "@target-uri"] },
  },
  {
    type: "mtls",
    name: "Client certificate",
    line: "A certificate that is shown in the TLS handshake.",
    group: "A signature or a certificate",
    start: {},
  },
  {
    type: "hmac",
    name: "Webhook signature",
    line: "How a sender signs its webhooks, so that attache lets only those in.",
    group: "Webhooks that come in",
    start: { preset: "github" },
  },
  { type: "none", name: "None", line: "Requests go out as they are.", group: "Other", start: {} },
];

export const GROUPS: readonly Group[] = [
  "Common",
  "A login or a token",
  "A signature or a certificate",
  "Webhooks that come in",
  "Other",
];

const NAMES: readonly TypeName[] = [...TYPES.map((it) => it.type), "all"];

/** The type that is set; API key where none is. */
export function typeOf(method: object): TypeName {
  const set = method as Record<string, unknown>;
  const isSet = (it: TypeName) => (it === "all" ? Array.isArray(set.all) && set.all.length > 0 : set[it] != null);
  return NAMES.find(isSet) ?? "none";
}

export function settingsOf(method: object): Settings {
  const settings = (method as Record<string, unknown>)[typeOf(method)];
  return typeof settings === "object" && settings !== null && !Array.isArray(settings) ? (settings as Settings) : {};
}

export function typeName(type: TypeName): string {
  return TYPES.find((it) => it.type === type)?.name ?? "Several at once";
}

/** The same method with another type: what is said of the old type's fields goes with it. */
export function withType(method: Method, type: TypeName): Method {
  const { name, description, probe } = method;
  const start = TYPES.find((it) => it.type === type)?.start ?? {};
  const kept = { ...(name && { name }), ...(description && { description }) };
  return { ...kept, ...(probe && type !== "hmac" && { probe }), [type]: start } as Method;
}

/** What can be written anew: an answer of the API less what it says of itself. */
export function written(method: object): Method {
  const known: string[] = ["name", "description", "fields", "probe", ...NAMES];
  const entries = Object.entries(method).filter(
    ([name, value]) => known.includes(name) && value != null && !isEmpty(value, name),
  );
  return Object.fromEntries(entries) as Method;
}

function isEmpty(value: unknown, name: string): boolean {
  if (name === "all") return Array.isArray(value) && value.length === 0;
  return name === "fields" && typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Whether tenants can bring their own: without a credential there is nothing that they could. */
export function canBeEmbedded(type: TypeName): boolean {
  return type !== "none";
}
