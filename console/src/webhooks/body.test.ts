import { expect, test } from "vitest";
import { readable } from "./body";

test("bodies are shown as people read them", () => {
  expect(readable({ body: '{"a":[1]}' })).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(readable({ body: "a=1&b=2" })).toBe("a=1&b=2");
  expect(readable({ body_base64: "AP8=" })).toBe("AP8=");
  expect(readable({})).toBeUndefined();
});
