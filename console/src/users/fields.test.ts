import { expect, test } from "vitest";
import type { Connection } from "~/api/schema";
import { credentialsOf, filled, isTenants, variablesOf } from "./fields";

const oauth = {
  key: "crm",
  connector: "crm",
  auth: "main",
  embedded: true,
  auth_method: { oauth2: { grant: "authorization_code" } },
} as unknown as Connection;
const login = { ...oauth, auth_method: { basic: {} } } as Connection;

test("keys and passwords are the tenant's, an app's id and secret are not", () => {
  expect(credentialsOf(login).map((it) => it.name)).toEqual(["username", "password"]);
  expect(credentialsOf(oauth).map((it) => it.name)).toEqual([]);
});

test("the connection's own word goes before what is usual", () => {
  const shared = { ...login, inputs: { username: "global" as const } };
  expect(credentialsOf(shared as Connection).map((it) => it.name)).toEqual(["password"]);
  expect(isTenants(shared as Connection, "username", false)).toBe(false);
});

test("a variable with a value need not be given", () => {
  const connector = { variables: { subdomain: { description: "The first part" }, region: { default: "eu" } } };
  const fields = variablesOf({ ...login, variables: {} }, connector as never);
  expect(fields.map((it) => [it.name, it.required, it.value])).toEqual([
    ["subdomain", true, undefined],
    ["region", false, "eu"],
  ]);
});

test("what is left empty is not sent", () => {
  expect(filled({ a: "x", b: "" })).toEqual({ a: "x" });
});
