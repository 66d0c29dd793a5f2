import { expect, test } from "vitest";
import { readable } from "./body";

test("bodies are shown as people read them", () => {
  expect(readable({ body: '{"a":[1]}' })).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(readable({ body: "a=1&b=2" })).toBe("a=1&b=2");
  expect(readable({ body_base64: "AP8=" })).toBe("AP8=");
  expect(readable({})).toBeUndefined();
});

test("what was sent is not changed by being laid out: large numbers, escapes, a name twice", () => {
  const body =
    '{"id":12345678901234567890,"price":1.50,"text":"\\u00e9 {\\"a\\": [1, 2]}","a":1,"a":[],"b":{},"c":[1,{"d":null}]}';
  const shown = readable({ body }) ?? "";
  expect(shown.split("\n")).toEqual([
    "{",
    '  "id": 12345678901234567890,',
    '  "price": 1.50,',
    '  "text": "\\u00e9 {\\"a\\": [1, 2]}",',
    '  "a": 1,',
    '  "a": [],',
    '  "b": {},',
    '  "c": [',
    "    1,",
    "    {",
    '      "d": null',
    "    }",
    "  ]",
    "}",
  ]);
  expect(readable({ body: '{"a":[1,{"b":"c"}]}' })).toBe(JSON.stringify({ a: [1, { b: "c" }] }, null, 2));
  expect(["12", '"a"', "{}", "[]", "null", " [ ] "].map((it) => readable({ body: it }))).toEqual([
    "12",
    '"a"',
    "{}",
    "[]",
    "null",
    "[]",
  ]);
});
