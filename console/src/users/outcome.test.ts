import { expect, test } from "vitest";
import { outcomeOf } from "./outcome";

const items = (...states: string[]) => states.map((state) => ({ state }));

test("a link is connected once all that it asks for is, whether it was left or not", () => {
  expect(outcomeOf({ state: "open", items: items("connected") })).toEqual({ word: "connected", tone: "good" });
  expect(outcomeOf({ state: "done", items: items("connected", "connected") }).word).toBe("connected");
});

test("what is half done says how far it came", () => {
  expect(outcomeOf({ state: "open", items: items("waiting", "connected") }).word).toBe("open, 1 of 2 connected");
  expect(outcomeOf({ state: "expired", items: items("waiting", "connected") })).toEqual({
    word: "expired, 1 of 2 connected",
    tone: "warn",
  });
  expect(outcomeOf({ state: "done", items: items("waiting") }).word).toBe("left");
  expect(outcomeOf({ state: "open", items: items("failed") }).tone).toBe("bad");
});
