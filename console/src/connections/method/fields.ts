import type { RawFieldText } from "~/api/schema";
import { type Method, type Settings, settingsOf, typeOf } from "./types";

/** One field of a method's credential. */
export interface CredentialField {
  name: string;
  label: string;
  help?: string;
  example?: string;
  pattern?: string;
  secret: boolean;
  /** `obtained`: comes of a person's consent or of the provider, and can be given where it is there already. */
  need: "required" | "optional" | "obtained";
  /** Keys and certificates have several lines. */
  lines: boolean;
}

type Need = CredentialField["need"];
type Found = Map<string, Need>;

/** Fields that everybody may see. */
const SEEN = new Set([
  "username",
  "client_id",
  "consumer_key",
  "key_id",
  "access_key_id",
  "role_arn",
  "app_id",
  "installation_id",
  "certificate",
]);
const LINES = new Set(["certificate", "private_key"]);
const OBTAINED = ["access_token", "refresh_token", "expires_at", "scope"];

/** The names that people know them by, where a method says none itself. */
const LABELS: Record<string, string> = {
  key: "Key",
  token: "Token",
  username: "User name",
  password: "Password",
  secret: "Secret",
  client_id: "Client id",
  client_secret: "Client secret",
  private_key: "Private key",
  certificate: "Certificate",
  key_id: "Key id",
  access_token: "Access token",
  refresh_token: "Refresh token",
  access_key_id: "Access key id",
  secret_access_key: "Secret access key",
  session_token: "Session token",
  consumer_key: "Consumer key",
  consumer_secret: "Consumer secret",
  token_secret: "Token secret",
  verify_token: "Verify token",
  account: "Account",
  app_id: "App id",
  installation_id: "Installation id",
  api_key: "API key",
};

/** What each preset's credentials are where they are not a `secret` alone. */
const OF_WEBHOOKS: Record<string, readonly string[]> = {
  "aws-sns": ["account"],
  "aws-sns-v1": ["account"],
  braintree: ["secret", "account"],
  fal: ["account"],
  livekit: ["secret", "account"],
  meta: ["secret", "verify_token"],
  monday: ["secret", "account"],
  paypal: ["account"],
  pusher: ["secret", "account"],
  strava: ["secret", "verify_token"],
  truelayer: [],
  "truelayer-sandbox": [],
  "twilio-sharedkey": ["secret", "account"],
  websub: ["secret", "verify_token"],
};
/** The sender hands its secret over by itself. */
const LEARNS = new Set(["asana", "gusto", "notion"]);

const OF_REQUESTS: Record<string, readonly string[]> = {
  "akamai-edgegrid": ["client_token", "access_token", "client_secret"],
  "azure-app-configuration": ["id", "secret"],
  "azure-communication": ["access_key"],
  "azure-storage": ["account", "account_key"],
  binance: ["api_key", "secret"],
  bitfinex: ["api_key", "secret"],
  bybit: ["api_key", "secret"],
  duo: ["integration_key", "secret"],
  hawk: ["id", "secret", "ext?"],
  huawei: ["access_key", "secret_key", "token?"],
  kraken: ["api_key", "secret"],
  kucoin: ["api_key", "passphrase", "secret"],
  lazada: ["app_key", "secret", "access_token?"],
  okx: ["api_key", "passphrase", "secret"],
  "tencent-tc3": ["secret_id", "secret_key", "token?"],
  tuya: ["client_id", "secret", "access_token?"],
  wsse: ["username", "password"],
};

/** Names in braces of all texts within a value, and whether each may be absent: `{name}`, `{name?}`, `{name|base64}`. */
export function templateFields(value: unknown, found: Found = new Map()): Found {
  if (typeof value === "string") {
    for (const [, name = "", mark] of value
      .replaceAll(/\{\{|\}\}/g, "")
      .matchAll(/\{([a-z0-9_]+)(\?)?(?:\|[a-z0-9_]+)*\}/g)) {
      add(found, name, mark ? "optional" : "required");
    }
  } else if (Array.isArray(value)) {
    for (const it of value) templateFields(it, found);
  } else if (typeof value === "object" && value !== null) {
    for (const it of Object.values(value)) templateFields(it, found);
  }
  return found;
}

function add(found: Found, name: string, need: Need) {
  const before = found.get(name);
  if (before === undefined || (need === "required" && before === "optional")) found.set(name, need);
}

function all(...names: string[]): Found {
  const found: Found = new Map();
  for (const it of names) add(found, it.replace("?", ""), it.endsWith("?") ? "optional" : "required");
  return found;
}

/** The fields that a method's credentials have, the needed ones first; `variables` are those of the connector. */
export function credentialFields(method: object, variables: readonly string[] = []): CredentialField[] {
  // Of a method that is saved the API says it; what follows is for one that is still being written.
  const said = (method as { credential_fields?: ApiField[] }).credential_fields;
  if (said) {
    const label = (it: ApiField) => (it.label === it.name ? labelOf(it.name) : it.label);
    return said.map((it) => ({ ...it, label: label(it), lines: LINES.has(it.name) }));
  }
  const found = fieldsOf(method as Method);
  for (const it of variables) if (!OWN.has(it)) found.delete(it);
  const texts: Record<string, RawFieldText> = (method as Method).fields ?? {};
  return [...found].map(([name, need]) => {
    const text = texts[name];
    return {
      name,
      label: text?.name || labelOf(name),
      ...(text?.description && { help: text.description }),
      ...(text?.example && { example: text.example }),
      ...(text?.pattern && { pattern: text.pattern }),
      secret: text?.secret ?? !SEEN.has(name),
      need,
      lines: LINES.has(name),
    };
  });
}

type ApiField = Omit<CredentialField, "lines">;

/** What a variable of the same name takes nothing away from. */
const OWN = new Set(["client_id", "client_secret", "username", "password", "key", "token", "secret"]);

export function labelOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return LABELS[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

function fieldsOf(method: Method): Found {
  const type = typeOf(method);
  const settings = settingsOf(method);
  switch (type) {
    case "api_key":
      return all("key");
    case "bearer":
      return all("token");
    case "basic":
    case "digest":
      return all("username", "password");
    case "mtls":
      return all("certificate", "private_key");
    case "none":
      return all();
    case "custom":
      return templateFields(settings.inject);
    case "jwt":
      return jwt(settings);
    case "http_signature":
      return settings.algorithm === "hmac-sha256" ? all("secret", "key_id?") : all("private_key", "key_id?");
    case "oauth1":
      return oauth1(settings);
    case "aws_sigv4":
      return aws(settings);
    case "signed_request":
      return signedRequest(settings);
    case "hmac":
      return webhook(settings);
    case "session_login":
      return session(settings);
    case "oauth2":
      return oauth2(settings);
    case "all": {
      const found: Found = new Map();
      for (const one of Array.isArray(method.all) ? method.all : []) {
        for (const [name, need] of fieldsOf(one as Method)) add(found, name, need);
      }
      return found;
    }
  }
}

function jwt(settings: Settings): Found {
  const found = all(/^HS/.test(String(settings.algorithm)) ? "secret" : "private_key");
  const made = /^(now|iat|exp|nbf|jti|uuid|method|host|path|query|url|body.*)$/;
  for (const [name, need] of templateFields([settings.claims, settings.header])) {
    if (!made.test(name)) add(found, name, need);
  }
  return found;
}

function oauth1(settings: Settings): Found {
  const found = all("consumer_key", /^rsa/.test(String(settings.signature)) ? "private_key" : "consumer_secret");
  for (const [name, need] of templateFields(settings.realm)) add(found, name, need);
  const consents = settings.request_url || settings.authorize_url || settings.token_url;
  for (const it of ["token", "token_secret"]) add(found, it, consents ? "obtained" : "optional");
  return found;
}

function aws(settings: Settings): Found {
  const found = all("access_key_id", "secret_access_key", "session_token?");
  const { policy: _, ...role } = (settings.assume_role ?? {}) as Settings;
  for (const [name, need] of templateFields(role)) add(found, name, need);
  return found;
}

function signedRequest(settings: Settings): Found {
  const found = all(...(OF_REQUESTS[String(settings.preset)] ?? []));
  const text = JSON.stringify(settings);
  for (const [, name = "", mark] of text.matchAll(/\{credential\.([a-z0-9_]+)(\?)?/g)) {
    add(found, name, mark ? "optional" : "required");
  }
  if (found.size === 0) {
    add(found, /rsa|ecdsa|ed25519/.test(String(settings.algorithm)) ? "private_key" : "secret", "required");
  }
  return found;
}

function webhook(settings: Settings): Found {
  const preset = String(settings.preset ?? "");
  const found = all(...(OF_WEBHOOKS[preset] ?? (LEARNS.has(preset) ? ["secret?"] : ["secret"])));
  const text = JSON.stringify(settings);
  if (text.includes("{account}")) add(found, "account", "required");
  if (text.includes('"check":"token"')) add(found, "verify_token", "required");
  return found;
}

function session(settings: Settings): Found {
  const steps = (Array.isArray(settings.steps) ? settings.steps : []) as Settings[];
  const found = templateFields([steps.map(({ take: _, ...it }) => it), settings.inject, settings.logout]);
  for (const step of steps) for (const it of Object.keys((step.take ?? {}) as Settings)) found.delete(it);
  return found;
}

function oauth2(settings: Settings): Found {
  const grant = String(settings.grant ?? "authorization_code");
  const found: Found = new Map();
  const auth = settings.client_auth as string | undefined;
  const assertion = (settings.assertion ?? {}) as Settings;
  const keyless = grant === "jwt_bearer" || grant === "token_exchange";
  if (grant === "github_app") add(found, "app_id", "required");
  else add(found, "client_id", keyless && (auth === undefined || auth === "none") ? "optional" : "required");
  const proves = auth ?? (keyless || grant === "github_app" ? "none" : "basic");
  if (["basic", "body", "client_secret_jwt"].includes(proves)) add(found, "client_secret", "required");
  if (proves === "private_key_jwt") for (const it of ["private_key", "key_id?", "certificate?"]) merge(found, it);
  if (proves === "tls") for (const it of ["certificate", "private_key"]) merge(found, it);
  if (grant === "password") for (const it of ["username", "password"]) merge(found, it);
  if (grant === "token_exchange") for (const it of ["subject_token", "actor_token?"]) merge(found, it);
  if (grant === "refresh_token") add(found, "refresh_token", "required");
  if (grant === "jwt_bearer" || grant === "github_app") {
    merge(found, /^HS/.test(String(assertion.algorithm)) ? "client_secret" : "private_key");
    merge(found, "key_id?");
  }
  if (grant === "github_app" && settings.token_url === undefined) add(found, "installation_id", "required");
  const { scopes: _, reply: _reply, format: _format, required_scopes: _required, ...texts } = settings;
  for (const [name, need] of templateFields(texts)) {
    if (name !== "scopes") add(found, name, OBTAINED.includes(name) ? "obtained" : need);
  }
  for (const it of OBTAINED) if (!found.has(it)) found.set(it, "obtained");
  return found;
}

function merge(found: Found, name: string) {
  add(found, name.replace("?", ""), name.endsWith("?") ? "optional" : "required");
}

/** Whether a person consents at the provider: then nobody types a token in. */
export function consents(method: object): "browser" | "device" | undefined {
  const settings = settingsOf(method);
  switch (typeOf(method)) {
    case "oauth2": {
      const grant = settings.grant ?? "authorization_code";
      return grant === "authorization_code" ? "browser" : grant === "device_code" ? "device" : undefined;
    }
    case "oauth1":
      return settings.request_url ? "browser" : undefined;
    default:
      return undefined;
  }
}

/** Whether tokens are had and renewed by it, so that there is a grant. */
export function hasGrant(method: object): boolean {
  const type = typeOf(method);
  return type === "oauth2" || type === "session_login" || consents(method) !== undefined;
}

/** Fields that say which app it is and not whose account: an embedded connection keeps them unless it says otherwise. */
export function isOfTheApp(method: object, field: string): boolean {
  const type = typeOf(method);
  if (type === "oauth2") return field === "client_id" || field === "client_secret";
  if (type === "oauth1" && consents(method)) return ["consumer_key", "consumer_secret", "private_key"].includes(field);
  // Each tenant has its role; who assumes it is the gateway.
  if (type === "aws_sigv4" && settingsOf(method).assume_role) {
    return ["access_key_id", "secret_access_key", "session_token"].includes(field);
  }
  return false;
}
