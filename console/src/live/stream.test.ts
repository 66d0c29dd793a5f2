import { expect, test } from "vitest";

// The client asks where the page is when it is made.
Object.assign(globalThis, { location: { origin: "http://console.test" } });
const { isFinal, Parser, wait } = await import("./stream");
const { ApiError } = await import("~/api/problem");

const TEXT =
  'event: exchange\ndata: {"a":1}\n\n: still here\n\nevent: skipped\r\ndata: {"count":\r\ndata: 2}\r\n\r\ndata: plain\n\n';
const WHOLE = [
  { event: "exchange", data: '{"a":1}' },
  { event: "skipped", data: '{"count":\n2}' },
  { event: "message", data: "plain" },
];

test("events are the same wherever the stream was cut", () => {
  for (let at = 0; at <= TEXT.length; at += 1) {
    const parser = new Parser();
    const sent = [...parser.take(TEXT.slice(0, at)), ...parser.take(TEXT.slice(at))];
    expect(sent, `cut at ${at}`).toEqual(WHOLE);
  }
});

test("what is not complete is not given", () => {
  expect(new Parser().take("event: exchange\ndata: 1\n")).toEqual([]);
});

test("waits grow, and not without end", () => {
  expect([0, 1, 2, 10].map((it) => wait(it, 0))).toEqual([500, 1000, 2000, 15_000]);
  expect(wait(10, 1)).toBe(18_750);
});

test("what is refused is not asked for again, but for what passes", () => {
  const all = [400, 401, 403, 404, 429, 500, 503, 0].filter((it) => isFinal(new ApiError(it, {})));
  expect(all).toEqual([400, 401, 403, 404]);
  expect(isFinal(new TypeError("network error"))).toBe(false);
});
