import { expect, test } from "vitest";
import type { Connector } from "~/api/schema";
import { editedOf, NO_VARIABLE, patchOf } from "./edit-form";

const connector: Connector = {
  key: "desk",
  name: "Desk",
  base_url: "https://{sub}.desk.example/{version}",
  docs: "https://docs.desk.example",
  variables: { sub: { required: true, pattern: "[a-z]+" }, version: { default: "v2" } },
  egress: { allow: ["10.0.0.0/8"] },
};

test("what nobody has touched is not sent", () => {
  expect(patchOf(connector, editedOf(connector))).toEqual({});
});

test("what is emptied is taken away, what is changed is sent, nothing else", () => {
  const edited = { ...editedOf(connector), docs: " ", baseUrl: "https://api.desk.example", description: "Tickets" };
  expect(patchOf(connector, edited)).toEqual({
    docs: null,
    base_url: "https://api.desk.example",
    description: "Tickets",
  });
});

test("a variable is changed member by member, added and taken away", () => {
  const edited = editedOf(connector);
  const [sub] = edited.variables;
  if (!sub) throw new Error("there is one");
  const variables = [
    { ...sub, pattern: "", description: "Your subdomain" },
    { ...NO_VARIABLE, variable: "region" },
    { ...NO_VARIABLE },
  ];
  expect(patchOf(connector, { ...edited, variables })).toEqual({
    variables: {
      version: null,
      sub: { pattern: null, description: "Your subdomain" },
      region: { required: true },
    },
  });
});
