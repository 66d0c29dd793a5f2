import { expect, test } from "vitest";
import { shown } from "./value";

test("a section says how many entries a file has, and a setting what it is", () => {
  expect(shown({ count: 1 })).toBe("1 entry");
  expect(shown({ count: 27 })).toBe("27 entries");
  expect(shown("5s")).toBe("5s");
  expect(shown(["127.0.0.0/8"])).toBe('["127.0.0.0/8"]');
  expect(shown({ cert: "/c", key: "/k" })).toBe('{"cert":"/c","key":"/k"}');
  expect(shown(null)).toBe("null");
});
