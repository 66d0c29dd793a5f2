import { expect, test } from "vitest";
import { isUnattended, touched, watchAttendance } from "./attended";

test("nobody is there a minute after the last touch", () => {
  touched(1000);
  expect(isUnattended(61_000)).toBe(false);
  expect(isUnattended(61_001)).toBe(true);
});

test("a key, the pointer, the wheel and a finger are touches", () => {
  for (const name of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
    const target = new EventTarget();
    watchAttendance(target);
    touched(-100_000);
    expect(isUnattended(), name).toBe(true);
    target.dispatchEvent(new Event(name));
    expect(isUnattended(), name).toBe(false);
  }
});
