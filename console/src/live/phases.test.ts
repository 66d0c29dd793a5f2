import { expect, test } from "vitest";
import { duration, phasesOf } from "./phases";

const TIMES = { total: 100, queue: 0, credential: 20, dial: 5, tls: 10, first_byte: 50, overhead: 1 };

test("the phases make up the whole", () => {
  const phases = phasesOf(TIMES);
  expect(phases.map((it) => it.key)).toEqual(["overhead", "credential", "dial", "tls", "first_byte", "rest"]);
  expect(phases.reduce((sum, it) => sum + it.share, 0)).toBeCloseTo(1);
  expect(phases.at(-1)?.ms).toBe(14);
});

test("rounded parts that are more than the whole do not stick out", () => {
  const phases = phasesOf({ ...TIMES, total: 80 });
  expect(phases.reduce((sum, it) => sum + it.share, 0)).toBeCloseTo(1);
  expect(phases.some((it) => it.key === "rest")).toBe(false);
});

test("an exchange that took no time has no phases", () => {
  expect(phasesOf({ total: 0, queue: 0, credential: 0, dial: 0, tls: 0, first_byte: 0, overhead: 0 })).toEqual([]);
});

test("durations are short", () => {
  expect([0.042, 4.21, 42.4, 1840, 12_300].map(duration)).toEqual(["0.04 ms", "4.2 ms", "42 ms", "1.8 s", "12 s"]);
});
