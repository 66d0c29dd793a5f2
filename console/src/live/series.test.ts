import { describe, expect, test } from "vitest";
import { knownSince, rates } from "./series";

const none = { p50: null, p95: null, p99: null };
const time = (second: number) => new Date(second * 1000).toISOString();
const point = (second: number, requests: number) => ({
  time: time(second),
  requests,
  errors: { caller: 0, attache: 0, upstream: 0 },
  overhead_ms: none,
  upstream_ms: none,
});
const traffic = (since: number) => ({
  since: time(since),
  step_s: 60,
  points: [point(600, 0), point(660, 60), point(720, 120), point(780, 30)],
});
const rate = (since: number, now: number) => rates(traffic(since), now, (it) => it.requests);

describe("rates", () => {
  test("the step that is not over counts for as long as it lasts so far", () => {
    expect(rate(0, 810)).toEqual([0, 1, 2, 1]);
  });

  test("one that has only begun says nothing yet", () => {
    expect(rate(0, 785)).toEqual([0, 1, 2, null]);
  });

  test("what was before anything was known is unknown, not nothing", () => {
    expect(rate(690, 840)).toEqual([null, 2, 2, 0.5]);
  });

  test("a clock that is behind or ahead of attache's makes no number up", () => {
    expect(rate(0, 100)).toEqual([null, null, null, null]);
    expect(rate(0, 9999)).toEqual([0, 1, 2, 0.5]);
  });
});

test("it is said from when on something is known, where that is later than what is drawn", () => {
  expect(knownSince(traffic(0))).toBeUndefined();
  expect(knownSince(traffic(620))).toBeUndefined();
  expect(knownSince(traffic(690))).toBe(time(690));
  expect(knownSince({ ...traffic(690), points: [] })).toBeUndefined();
});
