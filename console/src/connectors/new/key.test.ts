import { expect, test } from "vitest";
import { keyFault, keyOf } from "./key";

test("a key is made of a name, of what may stand in one", () => {
  expect(keyOf("Pet Shop (v2)")).toBe("pet-shop-v2");
  expect(keyOf("Größe & Café")).toBe("gro-e-cafe");
  expect(keyOf("--- 42nd")).toBe("42nd");
  expect(keyOf("日本")).toBe("");
  expect(keyOf("a".repeat(90))).toHaveLength(63);
});

test("whatever key is made of a name can be one", () => {
  for (const name of ["Acme.", "x", "A  b__C", "_private", `${"a".repeat(62)}--b`]) {
    expect(keyFault(keyOf(name)), name).toBeUndefined();
  }
});

test("what can't be a key is told", () => {
  for (const key of ["", "-a", "A", "a b", "é", "a".repeat(64)]) expect(keyFault(key), key).toBeTruthy();
});
