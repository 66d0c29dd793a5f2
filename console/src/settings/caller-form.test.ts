import { expect, test } from "vitest";
import { callerBody, callerPatch, EVERYTHING, fieldsOf, grants } from "./caller-form";

test("what is left empty is left out, since an empty list allows nothing", () => {
  expect(callerBody({ ...EVERYTHING, key: "worker" })).toEqual({ key: "worker", tenant_scoped: false });
});

test("patterns are told apart however they are separated, and methods are upper case", () => {
  const body = callerBody({
    ...EVERYTHING,
    key: "w",
    connections: "crm-*, mail\nshop",
    methods: "get head",
    requests: "100",
    per: "1m",
  });
  expect(body).toEqual({
    key: "w",
    tenant_scoped: false,
    connections: ["crm-*", "mail", "shop"],
    methods: ["GET", "HEAD"],
    rate: { requests: 100, per: "1m" },
  });
});

test("grants are told in words", () => {
  expect(grants({})).toBe("everything");
  expect(grants({ connections: ["*"], tenants: ["acme"] })).toBe("tenants acme");
  expect(grants({ connections: [] })).toBe("no connections");
});

test("of a caller that there is, what was touched is changed, and what was emptied allows everything", () => {
  const caller = { key: "w", connections: ["crm-*", "mail"], tenants: [], rate: { requests: 100, per: "5m" } };
  const fields = fieldsOf(caller);
  expect(fields.connections).toBe("crm-*, mail");
  expect(callerPatch(caller, fields)).toEqual({});
  expect(callerPatch(caller, { ...fields, connections: "", methods: "get", requests: "" })).toEqual({
    connections: null,
    methods: ["GET"],
    rate: null,
  });
});
