import { PRESETS_OF_REQUESTS, PRESETS_OF_WEBHOOKS } from "./presets";
import type { Settings, TypeName } from "./types";

type Options = readonly (readonly [value: string, label: string])[];

/** One setting of a type, as the form asks for it. */
export interface Setting {
  /** Where it lies in the type's settings: `assertion.algorithm`. */
  at: string;
  label: string;
  help?: string;
  kind: "text" | "choice" | "chips" | "pairs" | "toggle" | "inject" | "json" | "number";
  placeholder?: string;
  options?: Options;
  /** What the API takes where nothing is said. */
  fallback?: string;
  /** Only where it has a meaning. */
  when?: (settings: Settings) => boolean;
  /** Seldom needed: behind "More settings". */
  more?: true;
  required?: true;
  /** What is offered while one types; anything else is taken too. */
  suggest?: readonly string[];
}

const PLACES: Options = [
  ["header", "Header"],
  ["query", "Query parameter"],
  ["cookie", "Cookie"],
];
const choices = (...values: string[]): Options => values.map((it) => [it, it] as const);

const grant =
  (...names: string[]) =>
  (it: Settings) =>
    names.includes(String(it.grant ?? "authorization_code"));
const consents = grant("authorization_code", "device_code");
const inBrowser = grant("authorization_code");
const notGithub = (it: Settings) => it.grant !== "github_app";
const asserts = (it: Settings) =>
  grant("jwt_bearer", "github_app")(it) || ["private_key_jwt", "client_secret_jwt"].includes(String(it.client_auth));

export const GRANTS: Options = [
  ["authorization_code", "A person consents in a browser (authorization code)"],
  ["client_credentials", "The app itself (client credentials)"],
  ["device_code", "A person consents on another device (device code)"],
  ["password", "A user name and a password (password)"],
  ["refresh_token", "A refresh token that there is already"],
  ["jwt_bearer", "A JWT that is signed here: service accounts (JWT bearer)"],
  ["token_exchange", "Another token is exchanged (token exchange)"],
  ["github_app", "A GitHub App's installation"],
];

const OAUTH2: Setting[] = [
  { at: "grant", label: "How a token is had", kind: "choice", options: GRANTS },
  {
    at: "issuer",
    label: "Issuer",
    kind: "text",
    placeholder: "https://login.example.com",
    when: notGithub,
    help: "If the provider publishes its metadata, this is enough: the URLs below are found by it.",
  },
  {
    at: "authorize_url",
    label: "Authorization URL",
    kind: "text",
    placeholder: "https://login.example.com/oauth/authorize",
    help: "Where the person consents. Variables may stand in braces.",
    when: inBrowser,
  },
  {
    at: "device_url",
    label: "Device authorization URL",
    kind: "text",
    when: grant("device_code"),
    placeholder: "https://login.example.com/oauth/device",
  },
  {
    at: "token_url",
    label: "Token URL",
    kind: "text",
    placeholder: "https://login.example.com/oauth/token",
    when: (it) => !grant("github_app")(it) || it.token_url !== undefined,
  },
  { at: "scopes", label: "Scopes", kind: "chips", placeholder: "read", when: notGithub, help: "What is asked for." },
  {
    at: "client_auth",
    label: "How the app proves itself",
    kind: "choice",
    fallback: "As the grant needs",
    when: notGithub,
    options: [
      ["basic", "Client secret, in the Authorization header"],
      ["body", "Client secret, in the body"],
      ["private_key_jwt", "A JWT signed with a private key"],
      ["client_secret_jwt", "A JWT signed with the client secret"],
      ["tls", "A client certificate"],
      ["none", "Not at all: a public client"],
    ],
  },
  {
    at: "pkce",
    label: "PKCE",
    kind: "choice",
    fallback: "S256",
    options: choices("S256", "off"),
    when: inBrowser,
    more: true,
  },
  {
    at: "required_scopes",
    label: "Scopes that have to be granted",
    kind: "chips",
    when: consents,
    more: true,
    help: "Where one of these is not granted, the connection is not made.",
  },
  { at: "scope_separator", label: "Between scopes", kind: "text", fallback: "a space", more: true, when: notGithub },
  {
    at: "assertion.algorithm",
    label: "Algorithm of the signed JWT",
    kind: "choice",
    fallback: "RS256",
    options: choices("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256"),
    when: asserts,
    more: true,
  },
  { at: "assertion.issuer", label: "Issuer of the signed JWT", kind: "text", when: grant("jwt_bearer"), more: true },
  {
    at: "assertion.subject",
    label: "Subject of the signed JWT",
    kind: "text",
    placeholder: "{subject?}",
    when: grant("jwt_bearer"),
  },
  { at: "assertion.audience", label: "Audience of the signed JWT", kind: "text", when: grant("jwt_bearer") },
  { at: "exchange.audiences", label: "Audiences", kind: "chips", when: grant("token_exchange") },
  { at: "revoke_url", label: "Revocation URL", kind: "text", more: true, help: "Where tokens are ended on deletion." },
  { at: "introspect_url", label: "Introspection URL", kind: "text", more: true },
  {
    at: "userinfo_url",
    label: "Who it is",
    kind: "text",
    more: true,
    help: "A URL that says whose token it is, so that the account is shown.",
  },
  {
    at: "authorize_params",
    label: "More parameters of the authorization URL",
    kind: "pairs",
    when: inBrowser,
    more: true,
  },
  { at: "token_params", label: "More parameters of token requests", kind: "pairs", more: true },
  { at: "in", label: "Where the token goes", kind: "choice", fallback: "Header", options: PLACES, more: true },
  { at: "name", label: "Under which name", kind: "text", placeholder: "Authorization", more: true },
  { at: "format", label: "Format", kind: "text", placeholder: "Bearer {key}", more: true },
];

/** What the form asks of each type. What is not here can be given as JSON, and is kept. */
export const SETTINGS: Record<TypeName, readonly Setting[]> = {
  api_key: [
    { at: "in", label: "Where it goes", kind: "choice", options: PLACES, required: true },
    { at: "name", label: "Under which name", kind: "text", placeholder: "Authorization", required: true },
    {
      at: "format",
      label: "Format",
      kind: "text",
      placeholder: "{key}",
      help: "{key} stands for the key: as in “Bearer {key}” or “Token token={key}”.",
    },
  ],
  bearer: [],
  basic: [],
  digest: [],
  mtls: [],
  none: [],
  all: [],
  oauth2: OAUTH2,
  custom: [
    {
      at: "inject",
      label: "What is put on each request",
      kind: "inject",
      help: "Each name in braces is a field of the credential: {app_id}. {token|base64} writes it in Base64.",
    },
  ],
  session_login: [
    {
      at: "steps",
      label: "Calls that log in",
      kind: "json",
      placeholder:
        '[{ "url": "https://api.example.com/login", "json": { "user": "{username}", "password": "{password}" }, "take": { "session": { "json": "/token" } } }]',
      help: "One after the other; what a step takes from its answer, the next ones and each request can use.",
    },
    { at: "inject", label: "What is put on each request", kind: "inject", help: "{session} is what a step took." },
    { at: "expires_in", label: "What says how long it lives", kind: "text", more: true },
    { at: "logout", label: "The call that ends it", kind: "json", more: true },
  ],
  jwt: [
    {
      at: "algorithm",
      label: "Algorithm",
      kind: "choice",
      required: true,
      options: choices(
        "ES256",
        "ES384",
        "ES512",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "EdDSA",
        "HS256",
        "HS384",
        "HS512",
      ),
    },
    {
      at: "claims",
      label: "Claims",
      kind: "json",
      placeholder: '{ "iss": "{issuer_id}", "aud": "example-v1" }',
      help: "Names in braces are fields of the credential; {now}, {jti}, {method} and {path} are known too.",
    },
    { at: "header", label: "Header", kind: "json", placeholder: '{ "kid": "{key_id}" }' },
    { at: "lifetime", label: "Good for", kind: "text", fallback: "5m", more: true },
    {
      at: "in",
      label: "Where it goes",
      kind: "choice",
      fallback: "Header",
      options: PLACES.slice(0, 2),
      more: true,
    },
    { at: "name", label: "Under which name", kind: "text", placeholder: "Authorization", more: true },
    { at: "format", label: "Format", kind: "text", placeholder: "Bearer {token}", more: true },
  ],
  oauth1: [
    {
      at: "signature",
      label: "Signature",
      kind: "choice",
      options: choices("hmac_sha1", "hmac_sha256", "hmac_sha512", "rsa_sha1", "rsa_sha256", "plaintext"),
    },
    { at: "realm", label: "Realm", kind: "text", placeholder: "{account_id}" },
    {
      at: "request_url",
      label: "Request token URL",
      kind: "text",
      help: "With these three a person consents; without them the token is given.",
    },
    { at: "authorize_url", label: "Authorization URL", kind: "text" },
    { at: "token_url", label: "Access token URL", kind: "text" },
    {
      at: "in",
      label: "Where the signature goes",
      kind: "choice",
      fallback: "Header",
      options: [
        ["header", "Header"],
        ["query", "Query"],
        ["body", "Form in the body"],
      ],
      more: true,
    },
  ],
  aws_sigv4: [
    { at: "service", label: "Service", kind: "text", placeholder: "s3", help: "Default: as the host's name says." },
    {
      at: "region",
      label: "Region",
      kind: "text",
      placeholder: "eu-west-1",
      help: "Default: as the host's name says.",
    },
    {
      at: "payload",
      label: "What of the body is signed",
      kind: "choice",
      fallback: "All of it",
      options: [
        ["signed", "All of it"],
        ["unsigned", "Nothing"],
        ["streaming", "Piece by piece while it is sent (S3)"],
      ],
    },
    { at: "assume_role.role_arn", label: "Role to assume", kind: "text", placeholder: "arn:aws:iam::…:role/…" },
    {
      at: "assume_role.external_id",
      label: "External id",
      kind: "text",
      when: (it) => it.assume_role !== undefined,
      help: "What the role's trust policy asks for: another one for each tenant.",
    },
    {
      at: "in",
      label: "Where the signature goes",
      kind: "choice",
      fallback: "Header",
      options: PLACES.slice(0, 2),
      more: true,
    },
    {
      at: "algorithm",
      label: "Algorithm",
      kind: "choice",
      fallback: "sigv4",
      options: choices("sigv4", "sigv4a"),
      more: true,
    },
  ],
  signed_request: [
    {
      at: "preset",
      label: "Preset",
      kind: "text",
      suggest: PRESETS_OF_REQUESTS,
      help: "A provider's way of signing that comes with attache. Without one, describe it as JSON below.",
    },
  ],
  http_signature: [
    {
      at: "algorithm",
      label: "Algorithm",
      kind: "choice",
      required: true,
      options: choices(
        "ed25519",
        "ecdsa-p256-sha256",
        "ecdsa-p384-sha384",
        "rsa-pss-sha512",
        "rsa-v1_5-sha256",
        "hmac-sha256",
      ),
    },
    { at: "components", label: "What is covered", kind: "chips", placeholder: "@method" },
    { at: "tag", label: "Tag", kind: "text", more: true },
    { at: "expires_s", label: "Good for (seconds)", kind: "number", more: true },
    { at: "nonce", label: "With a nonce", kind: "toggle", more: true },
    { at: "alg", label: "Says its algorithm", kind: "toggle", more: true },
  ],
  hmac: [
    {
      at: "preset",
      label: "Sender",
      kind: "text",
      suggest: PRESETS_OF_WEBHOOKS,
      help: "Whose webhooks they are. If yours is not among them, leave this empty and describe the signature as JSON.",
    },
    {
      at: "replay",
      label: "Repeated deliveries",
      kind: "choice",
      fallback: "Are answered, and not forwarded again",
      options: [["off", "Are forwarded each time"]],
      more: true,
    },
  ],
};

/** The settings that have a meaning now. */
export function asked(type: TypeName, settings: Settings): Setting[] {
  return SETTINGS[type].filter((it) => !it.when || it.when(settings) || read(settings, it.at) !== undefined);
}

export function read(settings: Settings, at: string): unknown {
  let value: unknown = settings;
  for (const step of at.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Settings)[step];
  }
  return value ?? undefined;
}

/** The same with one setting set; one that is empty is left out, and so is what held nothing else. */
export function write(settings: Settings, at: string, value: unknown): Settings {
  const [step = "", ...rest] = at.split(".");
  const { [step]: before, ...others } = settings;
  const inner =
    rest.length > 0
      ? write(isObject(before) ? before : {}, rest.join("."), value)
      : isNothing(value)
        ? undefined
        : value;
  if (isNothing(inner) || (rest.length > 0 && Object.keys(inner as object).length === 0)) return others;
  return step in settings
    ? Object.fromEntries(Object.entries(settings).map(([name, it]) => [name, name === step ? inner : it]))
    : { ...others, [step]: inner };
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function isObject(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the form has no field for: it is shown as JSON, and kept. */
export function others(type: TypeName, settings: Settings): Settings {
  return SETTINGS[type].reduce((left, it) => write(left, it.at, undefined), settings);
}

/** The settings with `given` in place of what the form has no field for. */
export function withOthers(type: TypeName, settings: Settings, given: Settings): Settings {
  return SETTINGS[type].reduce((all, it) => {
    const value = read(settings, it.at);
    return value === undefined ? all : write(all, it.at, value);
  }, given);
}
