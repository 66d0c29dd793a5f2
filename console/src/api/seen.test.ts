import { expect, test } from "vitest";
import { isForgotten, nextSession } from "./seen";
import type { Session } from "./session";

const ways: Session["ways"] = ["token"];
const of = (name: string, via: "token" | "oidc" = "token"): Session => ({
  signed_in: true,
  ways,
  operator: { name, role: "operator", via },
});
const out: Session = { signed_in: false, ways };

test("whoever was signed in is remembered while nobody is", () => {
  const ended = nextSession(of("ann"), out);
  expect(ended.signed_in).toBe(false);
  expect(ended.was?.name).toBe("ann");
  expect(nextSession(ended, out).was?.name).toBe("ann");
});

test("nobody is remembered where nobody was signed in", () => {
  expect(nextSession(undefined, out).was).toBeUndefined();
  expect(nextSession(out, out).was).toBeUndefined();
});

test("the same person finds everything as it was, after an end and with another session", () => {
  expect(isForgotten(nextSession(of("ann"), out), of("ann"))).toBe(false);
  expect(isForgotten(of("ann"), of("ann"))).toBe(false);
});

test("somebody else finds nothing, and neither does a person who is called like a token", () => {
  expect(isForgotten(nextSession(of("ann"), out), of("bob"))).toBe(true);
  expect(isForgotten(of("ann"), of("bob"))).toBe(true);
  expect(isForgotten(nextSession(of("ann"), out), of("ann", "oidc"))).toBe(true);
});

test("a first sign-in has nothing to forget", () => {
  expect(isForgotten(out, of("ann"))).toBe(false);
});
