import { expect, test } from "vitest";
import type { Tried } from "~/api/schema";
import { advice, injected, shownBody, size } from "./tried";

const tried = (more: Partial<Tried>) =>
  ({ status: 200, headers: [], bytes: 0, truncated: false, ...more }) as unknown as Tried;

test("a body is shown as what it is", () => {
  expect(shownBody(tried({ body: '{"a":1}' }))).toMatchObject({ kind: "json", value: { a: 1 } });
  expect(shownBody(tried({ body: '{"a":', truncated: true })).kind).toBe("text");
  expect(shownBody(tried({ body: "<p>" })).kind).toBe("text");
  expect(shownBody(tried({})).kind).toBe("none");
  expect(shownBody(tried({ withheld: "compressed", body: "x" }))).toEqual({ kind: "none", words: "compressed" });
  const image = tried({ headers: [["Content-Type", "image/png; q=1"]], body_base64: "AA==" });
  expect(shownBody(image)).toEqual({ kind: "binary", type: "image/png", base64: "AA==" });
});

test("where a credential was put is named, in the URL as well", () => {
  const headers = [
    { name: "accept", value: "*/*", injected: false, redacted: false },
    { name: "host", value: "a.example", injected: true, redacted: false },
    { name: "x-api-key", value: "••••", injected: true, redacted: true },
  ];
  expect(injected({ method: "GET", url: "https://a.example/?key=••••", headers })).toEqual(["x-api-key", "the query"]);
  expect(injected({ method: "GET", url: "https://a.example/", headers: headers.slice(0, 2) })).toEqual([]);
});

test("the API's refusals come with what to do, attache's own have their code for that", () => {
  expect(advice(tried({ status: 401 }))).toMatch(/credential/);
  expect(advice(tried({ status: 302 }))).toMatch(/elsewhere/);
  expect(advice(tried({ status: 200 }))).toBeUndefined();
  expect(advice(tried({ status: 401, error: { code: "caller_unauthenticated", detail: "" } }))).toBeUndefined();
});

test("lengths are short", () => {
  expect([size(0), size(999), size(1500), size(2_500_000)]).toEqual(["0 bytes", "999 bytes", "1.5 kB", "2.5 MB"]);
});
