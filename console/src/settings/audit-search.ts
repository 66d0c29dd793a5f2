/** By what entries are picked: the parameters of the API, kept in the address. */
export interface AuditSearch {
  who?: string;
  kind?: string;
  key?: string;
  tenant?: string;
}

export const AUDIT_FIELDS = ["who", "kind", "key", "tenant"] as const;

export function auditSearch(search: Record<string, unknown>): AuditSearch {
  const picked: AuditSearch = {};
  for (const name of AUDIT_FIELDS) if (search[name]) picked[name] = String(search[name]);
  return picked;
}
