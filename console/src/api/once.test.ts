import { expect, test } from "vitest";
import { Once } from "./once";

test("the same that is sent again has the same key, something else has another", () => {
  const once = new Once();
  const first = once.keyFor({ key: "ann" });
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(once.keyFor({ key: "ann" })).toBe(first);
  expect(once.keyFor({ key: "beth" })).not.toBe(first);
  expect(new Once().keyFor(undefined)).not.toBe(new Once().keyFor(undefined));
  const nothing = new Once();
  expect(nothing.keyFor(undefined)).toBe(nothing.keyFor(undefined));
});
