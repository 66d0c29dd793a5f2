import type { NewCaller } from "~/api/schema";

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

/** Patterns that were typed with commas, spaces or line breaks between. */
export function patterns(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** As the API takes it: an empty list would allow nothing, so that what is left empty is left out. */
export function callerBody(fields: CallerFields): NewCaller {
  const body: NewCaller = { key: fields.key, tenant_scoped: fields.tenant_scoped };
  for (const name of ["connections", "environments", "tenants", "methods", "paths"] as const) {
    const list = patterns(fields[name]);
    if (list.length > 0) body[name] = name === "methods" ? list.map((it) => it.toUpperCase()) : list;
  }
  if (fields.requests.trim()) body.rate = { requests: Number(fields.requests), per: fields.per };
  return body;
}

/** What a caller may do, in words. */
export function grants(caller: {
  connections?: string[] | null;
  environments?: string[] | null;
  tenants?: string[] | null;
  methods?: string[] | null;
  paths?: string[] | null;
}): string {
  const said = (["connections", "environments", "tenants", "methods", "paths"] as const).flatMap((name) => {
    const list = caller[name];
    if (!list || list.includes("*")) return [];
    return [list.length === 0 ? `no ${name}` : `${name} ${list.join(", ")}`];
  });
  return said.length === 0 ? "everything" : said.join("; ");
}
