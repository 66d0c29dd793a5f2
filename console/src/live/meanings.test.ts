import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { meaning } from "./meanings";

const CONTRACT = readFileSync(new URL("../../../docs/contract.md", import.meta.url), "utf8");

/** The rows of the table of codes: each with when it is answered. */
const CODES = [...CONTRACT.matchAll(/^\| `([a-z_]+)` \| \d{3} \| (.+) \|$/gm)].map(([, code = "", when = ""]) => ({
  code,
  when,
}));

describe("what a code means", () => {
  test("the contract's table is found", () => expect(CODES.length).toBeGreaterThan(50));

  // What is asked of the admin API is no exchange.
  test.each(CODES.filter((it) => !/\badmin API\b/.test(it.when)))("$code is told in words", ({ code }) => {
    expect(meaning(code)).toMatch(/^[A-Z].+[.?]$/);
  });
});
