import { describe, expect, test } from "vitest";
import { idOf, merged } from "./merge";

const at = (second: number, request_id = `r${second}`, total = 5) => ({
  request_id,
  time: new Date(second * 1000).toISOString(),
  total,
});
const ids = (list: { request_id: string }[]) => list.map((it) => it.request_id);

describe("exchanges that come by a stream and by pages", () => {
  test("stand in the order in which they ended, wherever they came from", () => {
    // Two were shown, the stream broke off, one came by it since, and two that were missed are asked for.
    const shown = [at(9), at(2), at(1)];
    expect(ids(merged(shown, [at(9), at(5), at(4), at(2)], 10))).toEqual(["r9", "r5", "r4", "r2", "r1"]);
  });

  test("a long one stands where it ended, not where it began", () => {
    expect(ids(merged([at(5)], [at(1, "long", 30_000)], 10))).toEqual(["long", "r5"]);
  });

  test("are no more than a page keeps, the oldest go", () => {
    expect(ids(merged([at(2), at(1)], [at(3)], 2))).toEqual(["r3", "r2"]);
  });

  test("two with the caller's own id are two", () => {
    expect(merged([at(1, "mine")], [at(2, "mine")], 10)).toHaveLength(2);
    expect(idOf(at(1, "mine"))).not.toBe(idOf(at(2, "mine")));
  });
});
