import { expect, test } from "vitest";

// The client asks where the page is when it is made.
Object.assign(globalThis, { location: { origin: "http://console.test" } });
const { Parser, wait } = await import("./stream");

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
  expect([0, 1, 2, 10].map(wait)).toEqual([500, 1000, 2000, 15_000]);
});
