import { expect, test } from "vitest";
import { TROUBLE, whatOf } from "./subscription-form";

test("what a subscription is told of is said in a word where there is one", () => {
  expect(whatOf(undefined)).toBe("everything");
  expect(whatOf([])).toBe("everything");
  expect(whatOf([...TROUBLE].reverse())).toBe("trouble");
  expect(whatOf(TROUBLE.slice(1))).toBe(`${TROUBLE.length - 1} types`);
  expect(whatOf(["audit.broken"])).toBe("audit.broken");
});
