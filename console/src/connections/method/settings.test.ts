import { expect, test } from "vitest";
import { asked, others, read, withOthers, write } from "./settings";
import { settingsOf, TYPES, typeOf, withType, written } from "./types";

test("a setting is written where it lies, and an empty one is left out with what held it", () => {
  const set = write({ grant: "jwt_bearer" }, "assertion.subject", "{subject?}");
  expect(set).toEqual({ grant: "jwt_bearer", assertion: { subject: "{subject?}" } });
  expect(read(set, "assertion.subject")).toBe("{subject?}");
  expect(write(set, "assertion.subject", "")).toEqual({ grant: "jwt_bearer" });
  expect(write({ assertion: { lifetime: "5m", subject: "a" } }, "assertion.subject", undefined)).toEqual({
    assertion: { lifetime: "5m" },
  });
});

test("the order of what is there stays, so that nothing looks changed that was not", () => {
  expect(Object.keys(write({ in: "header", name: "A", format: "{key}" }, "name", "B"))).toEqual([
    "in",
    "name",
    "format",
  ]);
});

test("what the form has no field for is kept, and can be changed by itself", () => {
  const settings = { grant: "authorization_code", dpop: true, assertion: { subject: "a", lifetime: "3m" } };
  expect(others("oauth2", settings)).toEqual({ dpop: true, assertion: { lifetime: "3m" } });
  expect(withOthers("oauth2", settings, { dpop: false, assertion: { lifetime: "1m" } })).toEqual({
    grant: "authorization_code",
    dpop: false,
    assertion: { subject: "a", lifetime: "1m" },
  });
});

test("a grant asks for what it needs alone", () => {
  const labels = (grant: string) => asked("oauth2", { grant }).map((it) => it.at);
  expect(labels("authorization_code")).toContain("authorize_url");
  expect(labels("client_credentials")).not.toContain("authorize_url");
  expect(labels("device_code")).toContain("device_url");
  expect(labels("jwt_bearer")).toContain("assertion.subject");
  expect(labels("github_app")).not.toContain("scopes");
});

test("what was set stays to be seen, although the grant has no use for it", () => {
  const asks = asked("oauth2", { grant: "client_credentials", authorize_url: "https://a.example" });
  expect(asks.map((it) => it.at)).toContain("authorize_url");
});

test("each type begins with one type and keeps name and description", () => {
  for (const { type } of TYPES) {
    const method = withType(
      { name: "Token", fields: { key: {} }, api_key: { in: "header", name: "A", format: "{key}" } },
      type,
    );
    expect(typeOf(method)).toBe(type);
    expect(method.name).toBe("Token");
    expect(method.fields).toBeUndefined();
    expect(settingsOf(method)).toBeTypeOf("object");
  }
});

test("what the API says of a method besides is not sent back to it", () => {
  const answer = { key: "token", revision: 3, name: null, fields: {}, all: [], none: null, bearer: {} };
  expect(written(answer)).toEqual({ bearer: {} });
});
