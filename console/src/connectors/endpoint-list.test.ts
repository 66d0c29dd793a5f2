import { expect, test } from "vitest";
import { easiest, endpointsOf, matching, tagsOf } from "./endpoint-list";

const endpoints = endpointsOf({
  key: "pets",
  endpoints: {
    "get-pet": { method: "GET", path: "/pets/{id}", name: "One pet", tags: ["pets"] },
    "old-list": { method: "GET", path: "/all", deprecated: true },
    "list-pets": { method: "GET", path: "/pets", tags: ["pets", "lists"] },
    "create-pet": { method: "POST", path: "/pets", tags: ["pets"] },
  },
});

test("endpoints are found by method, path, name and tag, all words having to be there", () => {
  const keys = (text: string) => matching(endpoints, text).map((it) => it.key);
  expect(keys("post pets")).toEqual(["create-pet"]);
  expect(keys("LISTS")).toEqual(["list-pets"]);
  expect(keys("one")).toEqual(["get-pet"]);
  expect(keys(" ")).toHaveLength(4);
  expect(keys("nothing")).toEqual([]);
});

test("the tags of the most endpoints come first", () => {
  expect(tagsOf(endpoints)).toEqual(["pets", "lists"]);
});

test("what is tried first reads, is not going away, and needs nothing", () => {
  expect(easiest(endpoints)?.key).toBe("list-pets");
  expect(easiest(endpoints.slice(0, 2))?.key).toBe("get-pet");
  expect(easiest(endpoints.slice(3))).toBeUndefined();
});
