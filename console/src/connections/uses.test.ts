import { expect, test } from "vitest";
import { assignedIn, usedBy } from "./uses";

test("an environment counts once for each connection, however often it assigns it", () => {
  const found = assignedIn([
    { assign: { a: "github", b: "github", c: "slack" }, deployed: true },
    { assign: { a: "github" }, deployed: false },
    { assign: undefined as never, deployed: true },
  ]);
  expect(found.get("github")).toEqual({ environments: 2, deployed: 1 });
  expect(found.get("slack")).toEqual({ environments: 1, deployed: 1 });
  expect(found.get("stripe")).toBeUndefined();
});

test("what is not known is not called unused", () => {
  expect(usedBy(undefined)).toBe("–");
  expect(usedBy({ environments: 0, deployed: 0 })).toBe("no environment yet");
  expect(usedBy({ environments: 2, deployed: 1 })).toBe("2 environments, 1 deployed");
});
