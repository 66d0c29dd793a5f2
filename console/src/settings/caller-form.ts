import type { Caller, CallerPatch, NewCaller } from "~/api/schema";

/** What the form of a caller holds: lists as they are typed, one pattern after another. */
export interface CallerFields {
  key: string;
  connections: string;
  environments: string;
  tenants: string;
  methods: string;
  paths: string;
  tenant_scoped: boolean;
  requests: string;
  per: string;
}

export const EVERYTHING: CallerFields = {
  key: "",
  connections: "",
  environments: "",
  tenants: "",
  methods: "",
  paths: "",
  tenant_scoped: false,
  requests: "",
  per: "1s",
};

const LISTS = ["connections", "environments", "tenants", "methods", "paths"] as const;

/** What there is, as it is typed. */
export function fieldsOf(caller: Caller): CallerFields {
  const lists = Object.fromEntries(LISTS.map((name) => [name, (caller[name] ?? []).join(", ")]));
  const { rate } = caller;
  return {
    ...EVERYTHING,
    ...lists,
    key: caller.key,
    tenant_scoped: caller.tenant_scoped ?? false,
    ...(rate && { requests: String(rate.requests), per: rate.per ?? EVERYTHING.per }),
  };
}

/** Patterns that were typed with commas, spaces or line breaks between. */
export function patterns(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** As the API takes it: an empty list would allow nothing, so that what is left empty is left out. */
export function callerBody(fields: CallerFields): NewCaller {
  const body: NewCaller = { key: fields.key, tenant_scoped: fields.tenant_scoped };
  for (const name of LISTS) {
    const list = patterns(fields[name]);
    if (list.length > 0) body[name] = name === "methods" ? list.map((it) => it.toUpperCase()) : list;
  }
  if (fields.requests.trim()) body.rate = { requests: Number(fields.requests), per: fields.per };
  return body;
}

/** What is to be otherwise than it is (RFC 7396): what was emptied allows everything from then on, what was not touched stays. */
export function callerPatch(before: Caller, fields: CallerFields): CallerPatch {
  const was = fieldsOf(before);
  const { key: _, ...body } = callerBody(fields);
  const patch: CallerPatch = {};
  for (const name of LISTS) if (fields[name] !== was[name]) patch[name] = body[name] ?? null;
  if (fields.tenant_scoped !== was.tenant_scoped) patch.tenant_scoped = fields.tenant_scoped;
  if (fields.requests !== was.requests || fields.per !== was.per) patch.rate = body.rate ?? null;
  return patch;
}

/** What a caller may do, in words. */
export function grants(caller: {
  connections?: string[] | null;
  environments?: string[] | null;
  tenants?: string[] | null;
  methods?: string[] | null;
  paths?: string[] | null;
}): string {
  const said = LISTS.flatMap((name) => {
    const list = caller[name];
    if (!list || list.includes("*")) return [];
    return [list.length === 0 ? `no ${name}` : `${name} ${list.join(", ")}`];
  });
  return said.length === 0 ? "everything" : said.join("; ");
}
