import { expect, test } from "vitest";
import { missingIn } from "./missing";

const integration = {
  key: "sync",
  connectors: { github: { connector: "github" }, desk: { connector: "zendesk" } },
} as never;
const environment = (change: object) => ({ key: "prod", name: null, integration: "sync", ...change }) as never;

test("what an environment lacks is named by its alias", () => {
  const assign = { github: "github-prod" };
  expect(missingIn([integration], [environment({ deployed: true, assign })])).toEqual([
    { environment: "prod", deployed: true, aliases: ["desk"] },
  ]);
});

test("an environment that has all lacks nothing, and neither does one of an integration that is not shown", () => {
  const assign = { github: "a", desk: "b" };
  expect(missingIn([integration], [environment({ assign }), environment({ integration: "other" })])).toEqual([]);
});
