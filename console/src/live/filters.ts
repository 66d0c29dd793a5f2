/** By what exchanges are picked: the parameters of the API, kept in the address. */
export interface Filters {
  connection?: string;
  tenant?: string;
  caller?: string;
  environment?: string;
  method?: string;
  source?: string;
  status?: string;
  path?: string;
}

export const FILTERS = ["connection", "tenant", "caller", "environment", "method", "source", "status", "path"] as const;

/** Of an address's search: what is known and said. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  for (const name of FILTERS) {
    const value = search[name];
    if (value !== undefined && value !== "") filters[name] = String(value);
  }
  return filters;
}

/** As the API takes them. */
export function asQuery(filters: Filters): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const value = filters[name];
    if (value) query.set(name, value);
  }
  return query.toString();
}
