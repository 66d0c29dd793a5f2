import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { consents, credentialFields, isOfTheApp, templateFields } from "./fields";
import { PRESETS_OF_REQUESTS, PRESETS_OF_WEBHOOKS } from "./presets";

const config = new URL("../../../../config/", import.meta.url);
const files = (folder: string) =>
  readdirSync(new URL(folder, config))
    .map((it) => it.replace(".yaml", ""))
    .sort();
const needed = (method: object, variables: string[] = []) =>
  credentialFields(method, variables)
    .filter((it) => it.need === "required")
    .map((it) => it.name);

test("the presets that are offered are those that come with attache", () => {
  expect([...PRESETS_OF_WEBHOOKS].sort()).toEqual(files("webhooks"));
  expect([...PRESETS_OF_REQUESTS].sort()).toEqual(files("signed_requests"));
});

test("each preset of signed requests has the fields that its file names", () => {
  for (const preset of PRESETS_OF_REQUESTS) {
    const text = readFileSync(new URL(`signed_requests/${preset}.yaml`, config), "utf8").replaceAll(/^#.*$/gm, "");
    const named = [...text.matchAll(/\{credential\.([a-z0-9_]+)/g)].map((it) => it[1] ?? "");
    const fields = credentialFields({ signed_request: { preset } }).map((it) => it.name);
    for (const it of named) expect(fields, preset).toContain(it);
    if (!/^(key:|algorithm: (sha|md5))/m.test(text)) expect(fields, preset).toContain("secret");
  }
});

test("each preset of webhooks has the fields that the table of them names", () => {
  const table = readFileSync(new URL("../docs/webhook-presets.md", config), "utf8");
  for (const [, preset = "", credential = ""] of table.matchAll(/^\| `([^`]+)` \|(?:[^|]*\|){4}([^|]*)\|/gm)) {
    const fields = credentialFields({ hmac: { preset } }).map((it) => it.name);
    expect(fields.sort(), preset).toEqual([...credential.matchAll(/`([a-z_]+)`/g)].map((it) => it[1]).sort());
  }
});

test("each type has the fields that its settings ask for", () => {
  expect(needed({ api_key: { in: "header", name: "X" } })).toEqual(["key"]);
  expect(needed({ bearer: {} })).toEqual(["token"]);
  expect(needed({ basic: {} })).toEqual(["username", "password"]);
  expect(needed({ none: {} })).toEqual([]);
  expect(needed({ custom: { inject: [{ in: "header", name: "A", value: "{app|base64}.{secret}" }] } })).toEqual([
    "app",
    "secret",
  ]);
  expect(needed({ jwt: { algorithm: "ES256", claims: { iss: "{issuer_id}", iat: "{now}" } } })).toEqual([
    "private_key",
    "issuer_id",
  ]);
  expect(needed({ oauth1: { signature: "rsa_sha1" } })).toEqual(["consumer_key", "private_key"]);
  expect(needed({ aws_sigv4: { assume_role: { role_arn: "{role_arn}" } } })).toEqual([
    "access_key_id",
    "secret_access_key",
    "role_arn",
  ]);
  expect(needed({ all: [{ mtls: {} }, { bearer: {} }] })).toEqual(["certificate", "private_key", "token"]);
});

test("OAuth asks for what the grant and the client's proof need, and for no token that comes of a consent", () => {
  const code = { oauth2: { grant: "authorization_code" } };
  expect(needed(code)).toEqual(["client_id", "client_secret"]);
  expect(consents(code)).toBe("browser");
  expect(isOfTheApp(code, "client_secret")).toBe(true);
  expect(needed({ oauth2: { client_auth: "none" } })).toEqual(["client_id"]);
  expect(needed({ oauth2: { grant: "password", client_auth: "body" } })).toEqual([
    "client_id",
    "client_secret",
    "username",
    "password",
  ]);
  expect(needed({ oauth2: { grant: "client_credentials", client_auth: "private_key_jwt" } })).toEqual([
    "client_id",
    "private_key",
  ]);
  expect(consents({ oauth2: { grant: "client_credentials" } })).toBeUndefined();
});

test("a connector's variable is no field of the credential", () => {
  const oauth2 = { grant: "client_credentials", token_url: "https://{subdomain}.example.com/token" };
  expect(needed({ oauth2 })).toContain("subdomain");
  expect(needed({ oauth2 }, ["subdomain"])).not.toContain("subdomain");
});

test("braces that stand for themselves are no fields", () => {
  expect([...templateFields('{{"a": "{b?}"}}')]).toEqual([["b", "optional"]]);
});

test("what a method says of a field is told, and what it says of secrecy counts", () => {
  const fields = { key: { name: "Site key", description: "In Settings", secret: false } };
  expect(credentialFields({ bearer: {}, fields: { token: {} } })[0]?.label).toBe("Token");
  expect(credentialFields({ api_key: {}, fields })[0]).toMatchObject({
    label: "Site key",
    help: "In Settings",
    secret: false,
  });
});

test("of a saved method the fields are those that the API says, with names that people know", () => {
  const said = [
    { name: "client_id", label: "client_id", secret: false, need: "required" },
    { name: "realm", label: "Realm", help: "Part of the address.", secret: false, need: "required" },
    { name: "private_key", label: "private_key", secret: true, need: "optional" },
  ];
  const fields = credentialFields({ oauth2: { grant: "client_credentials" }, credential_fields: said }, ["realm"]);
  expect(fields.map((it) => [it.name, it.label, it.need, it.lines])).toEqual([
    ["client_id", "Client id", "required", false],
    ["realm", "Realm", "required", false],
    ["private_key", "Private key", "optional", true],
  ]);
});
