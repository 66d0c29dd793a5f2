import { expect, test } from "vitest";
import {
  bodyFault,
  type Draft,
  headerPointer,
  missing,
  parametersOf,
  pretty,
  startOf,
  targetOf,
  wantedOf,
} from "./request";

const draft = (more: Partial<Draft>): Draft => ({ ...startOf(undefined), headers: [], ...more });

test("parameters of the path are filled in, escaped", () => {
  const of = draft({ path: "/repos/{owner}/{repo}", parameters: { owner: "a/b c", repo: "ü" } });
  expect(parametersOf(of.path)).toEqual(["owner", "repo"]);
  expect(targetOf(of)).toBe("/repos/a%2Fb%20c/%C3%BC");
  expect(missing(draft({ path: "/{a}/{b}/{a}", parameters: { b: "1" } }))).toEqual(["a"]);
});

test("the query goes behind one that was typed already, and a row without a name nowhere", () => {
  expect(
    targetOf(
      draft({
        path: "/a?x=1",
        query: [
          ["y", "2 &"],
          ["", "z"],
        ],
      }),
    ),
  ).toBe("/a?x=1&y=2%20%26");
  expect(targetOf(draft({ path: "a", query: [["y", ""]] }))).toBe("/a?y=");
});

test("what is typed stays as it is but for what can't be sent", () => {
  expect(targetOf(draft({ path: "/group%2Fproject/x@y:z/" }))).toBe("/group%2Fproject/x@y:z/");
  expect(targetOf(draft({ path: "/ä b" }))).toBe("/%C3%A4%20b");
});

test("what is sent names whom it is for, and nothing that is empty", () => {
  const of = draft({
    method: "POST",
    path: "/a",
    headers: [
      [" X ", "1"],
      ["", "2"],
    ],
    body: "{}",
  });
  expect(wantedOf(of, { connection: "crm" })).toEqual({
    connection: "crm",
    method: "POST",
    path: "/a",
    headers: [["X", "1"]],
    body: "{}",
  });
  expect(wantedOf(draft({}), { connection: "crm", tenant: "acme", test: true })).toMatchObject({
    tenant: "acme",
    test: true,
  });
  expect(wantedOf(draft({}), { connection: "crm", tenant: "", test: false })).not.toHaveProperty("tenant");
});

test("an endpoint with a body begins with its type", () => {
  expect(startOf({ method: "POST", path: "/a" }).headers).toContainEqual(["Content-Type", "application/json"]);
  expect(startOf({ method: "GET", path: "/a" }).headers).toEqual([["Accept", "application/json"]]);
});

test("a body that says it is JSON and is not is told, any other is not looked at", () => {
  const json: Draft["headers"] = [["content-type", "application/vnd.api+json; charset=utf-8"]];
  expect(bodyFault(draft({ headers: json, body: "{a}" }))).toMatch(/not JSON/);
  expect(bodyFault(draft({ headers: json, body: "{}" }))).toBeUndefined();
  expect(bodyFault(draft({ headers: [["content-type", "text/plain"]], body: "{a}" }))).toBeUndefined();
  expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(pretty("{")).toBeUndefined();
});

test("a header is told of by its place among those that are sent", () => {
  const headers: Draft["headers"] = [
    ["", "x"],
    ["Host", "a"],
    [" ", ""],
    ["X-A", "\n"],
  ];
  expect(headers.map((_, row) => headerPointer(headers, row, 0))).toEqual([
    undefined,
    "/headers/0/0",
    undefined,
    "/headers/1/0",
  ]);
  expect(headerPointer(headers, 3, 1)).toBe("/headers/1/1");
  expect(headerPointer(headers, 4, 0)).toBeUndefined();
});
