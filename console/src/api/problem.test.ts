import { expect, test } from "vitest";
import { ApiError } from "./problem";

const refused = new ApiError(422, {
  detail: "2 things are wrong with the body",
  code: "invalid",
  request_id: "r-1",
  errors: [
    { pointer: "/base_url", problem: "it is no URL", hint: "write https://api.example.com" },
    { pointer: "/name", problem: "it is empty", hint: "" },
  ],
});

test("what is wrong is found by its place, with the way out", () => {
  expect(refused.at("/base_url")).toBe("it is no URL: write https://api.example.com");
  expect(refused.at("/name")).toBe("it is empty");
  expect(refused.at("/key")).toBeUndefined();
});

test("an answer that is no problem of ours still says something", () => {
  expect(new ApiError(502, {}).message).toBe("attache answered 502.");
  expect(new ApiError(0, {}).code).toBe("unreachable");
});
