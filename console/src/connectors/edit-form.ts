import type { Connector, ConnectorPatch, RawVariable } from "~/api/schema";

export interface VariableRow {
  variable: string;
  name: string;
  pattern: string;
  required: boolean;
  default: string;
  description: string;
}

/** What the form holds: text, as it is typed. */
export interface Edited {
  name: string;
  description: string;
  docs: string;
  baseUrl: string;
  variables: VariableRow[];
}

export const NO_VARIABLE: VariableRow = {
  variable: "",
  name: "",
  pattern: "",
  required: true,
  default: "",
  description: "",
};

export function editedOf(connector: Connector): Edited {
  return {
    name: connector.name ?? "",
    description: connector.description ?? "",
    docs: connector.docs ?? "",
    baseUrl: connector.base_url ?? "",
    variables: Object.entries(connector.variables ?? {}).map(([variable, it]) => rowOf(variable, it)),
  };
}

function rowOf(variable: string, it: RawVariable): VariableRow {
  return {
    variable,
    name: it.name ?? "",
    pattern: it.pattern ?? "",
    required: it.required ?? false,
    default: it.default ?? "",
    description: it.description ?? "",
  };
}

/** Only what is different, as a merge patch (RFC 7396): null takes away. What the form does not show stays. */
export function patchOf(connector: Connector, edited: Edited): ConnectorPatch {
  const before = editedOf(connector);
  const patch: Record<string, unknown> = {};
  const text = (member: string, was: string, is: string) => {
    if (was !== is.trim()) patch[member] = is.trim() || null;
  };
  text("name", before.name, edited.name);
  text("description", before.description, edited.description);
  text("docs", before.docs, edited.docs);
  text("base_url", before.baseUrl, edited.baseUrl);
  const variables = variablesPatch(before.variables, edited.variables);
  if (Object.keys(variables).length > 0) patch.variables = variables;
  return patch as ConnectorPatch;
}

function variablesPatch(before: VariableRow[], edited: VariableRow[]): Record<string, unknown> {
  const kept = edited.filter((it) => it.variable.trim() !== "");
  const patch: Record<string, unknown> = {};
  for (const was of before) if (!kept.some((it) => it.variable.trim() === was.variable)) patch[was.variable] = null;
  for (const is of kept) {
    const variable = is.variable.trim();
    const was = before.find((it) => it.variable === variable);
    const members = changed(was ?? { ...NO_VARIABLE, required: false }, is);
    if (!was || Object.keys(members).length > 0) patch[variable] = members;
  }
  return patch;
}

function changed(was: VariableRow, is: VariableRow): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const name of ["name", "pattern", "default", "description"] as const) {
    if (was[name] !== is[name]) members[name] = is[name] || null;
  }
  if (was.required !== is.required) members.required = is.required;
  return members;
}
