import { expect, test } from "vitest";
import { environmentBody } from "./environment-body";

test("what is activated already stays as it is", () => {
  expect(environmentBody({ mail: true, crm: false }, { mail: { key: "" } }, {})).toEqual({
    connections: { crm: { credentials: {}, variables: {} } },
  });
});

test("unless something is filled in for it", () => {
  expect(environmentBody({ mail: true, crm: true }, { mail: { key: "k" } }, { crm: { region: "eu" } })).toEqual({
    connections: {
      mail: { credentials: { key: "k" }, variables: {} },
      crm: { credentials: {}, variables: { region: "eu" } },
    },
  });
});
