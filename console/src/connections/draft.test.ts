import { expect, test } from "vitest";
import {
  begin,
  connectionBody,
  type Draft,
  filledIn,
  keyFrom,
  methodConflict,
  methodKeyOf,
  needsConsent,
  wantsCredentials,
} from "./draft";
import type { Method } from "./method/types";

const connector = {
  key: "zendesk",
  name: "Zendesk",
  variables: { subdomain: {} },
  auth: {
    login: { basic: {} },
    app: { oauth2: { grant: "authorization_code" as const, token_url: "https://{subdomain}.example.com/t" } },
    hook: { hmac: { preset: "zendesk" } },
  },
};
type Of = Parameters<typeof begin>[0];
const of = connector as unknown as Of;
const draft = (change: Partial<Draft>): Draft => ({ ...begin(of), name: "Desk", key: "desk", ...change });
const body = (change: Partial<Draft>) => connectionBody(draft(change), of);
const made = (method: Method, credentials: Record<string, string>) => body({ way: "new", method, credentials });

test("each type sends its own fields, and nothing that another type left behind", () => {
  const left = { key: "k", token: "t", username: "u", password: "p", secret: "s" };
  expect(made({ api_key: { in: "header", name: "X", format: "{key}" } }, left).credentials).toEqual({ key: "k" });
  expect(made({ bearer: {} }, left).credentials).toEqual({ token: "t" });
  expect(made({ basic: {} }, left).credentials).toEqual({ username: "u", password: "p" });
  expect(made({ digest: {} }, left).credentials).toEqual({ username: "u", password: "p" });
  expect(made({ hmac: { preset: "github" } as never }, left).credentials).toEqual({ secret: "s" });
  expect(made({ custom: { inject: [{ in: "query", name: "a", value: "{secret}" }] } }, left).credentials).toEqual({
    secret: "s",
  });
  expect(made({ none: {} }, left)).not.toHaveProperty("credentials");
});

test("a standard OAuth connection sends the app's own, and tokens that there are already", () => {
  const credentials = { client_id: "id", client_secret: "s", refresh_token: "r" };
  expect(body({ auth: "app", credentials }).credentials).toEqual(credentials);
  expect(needsConsent(draft({ auth: "app" }), of.auth?.app ?? {})).toBe(true);
  expect(needsConsent(draft({ auth: "app", credentials }), of.auth?.app ?? {})).toBe(false);
});

test("an embedded connection sends no credential of a tenant, and keeps the OAuth app's", () => {
  const credentials = { client_id: "id", client_secret: "s", username: "u", password: "p", refresh_token: "r" };
  expect(body({ auth: "app", whose: "tenant", credentials })).toMatchObject({
    embedded: true,
    credentials: { client_id: "id", client_secret: "s" },
  });
  const login = body({ auth: "login", whose: "tenant", credentials });
  expect(login).not.toHaveProperty("credentials");
  expect(login).not.toHaveProperty("supplied_by");
  expect(body({ auth: "login", whose: "operator", credentials })).toMatchObject({ supplied_by: "operator" });
});

test("an input is sent where it is set otherwise than by default, and its value with it", () => {
  const inputs = { username: "global" as const, password: "tenant" as const };
  const sent = body({ whose: "tenant", auth: "login", inputs, credentials: { username: "u", password: "p" } });
  expect(sent.inputs).toEqual({ username: "global" });
  expect(sent.credentials).toEqual({ username: "u" });
});

test("variables and the base URL are sent where they say something", () => {
  expect(body({ variables: { subdomain: "" }, baseUrl: " " })).toEqual({
    key: "desk",
    name: "Desk",
    connector: "zendesk",
    auth: "login",
  });
  expect(body({ variables: { subdomain: "acme" }, baseUrl: "https://a.example" })).toMatchObject({
    variables: { subdomain: "acme" },
    base_url: "https://a.example",
  });
});

test("a new method gets a key of its own, an adjusted one keeps it", () => {
  expect(methodKeyOf(draft({ way: "new", method: { bearer: {} } }), of)).toBe("bearer");
  expect(methodKeyOf(draft({ way: "new", method: { name: "Login", basic: {} } }), of)).toBe("login-2");
  expect(methodKeyOf(draft({ way: "adjust", auth: "login", method: { basic: {} } }), of)).toBe("login");
});

test("a key is proposed that the API takes", () => {
  expect(keyFrom("Production – GitHub")).toBe("production-github");
  expect(keyFrom("Größe & Co.")).toBe("gro-e-co");
  expect(keyFrom("---")).toBe("");
  expect(keyFrom("x".repeat(80))).toHaveLength(63);
});

test("None is warned of where the API's description wants credentials", () => {
  expect(wantsCredentials(of, { none: {} })).toBe(true);
  expect(wantsCredentials(of, { basic: {} })).toBe(false);
  expect(wantsCredentials({ ...of, auth: {} }, { none: {} })).toBe(false);
});

test("a base URL is shown with what is known of its variables", () => {
  const variables = { region: { default: "eu" } } as never;
  expect(filledIn("https://{sub}.{region}.example.com", { sub: "a" }, variables)).toBe("https://a.eu.example.com");
  expect(filledIn("https://{sub}.example.com", {}, undefined)).toBe("https://{sub}.example.com");
});

test("a method is not written over that somebody else has made or changed meanwhile", () => {
  const at = (revision: number) => ({ key: "zendesk", auth: { login: { basic: {}, revision } } }) as unknown as Of;
  const none = { key: "zendesk", auth: {} } as unknown as Of;
  const conflict = (way: Draft["way"], before: Of, now: Of) =>
    methodConflict(draft({ way, auth: "login" }), "login", before, now);
  expect(conflict("new", none, none)).toBeUndefined();
  expect(conflict("new", none, at(1))).toMatch(/another key/);
  expect(conflict("adjust", at(1), at(1))).toBeUndefined();
  expect(conflict("adjust", at(1), at(2))).toMatch(/changed/);
  expect(conflict("adjust", at(1), none)).toMatch(/deleted/);
});
