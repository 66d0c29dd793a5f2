import type { Connector, RawEndpoint } from "~/api/schema";

export interface Endpoint extends Omit<RawEndpoint, "name"> {
  key: string;
  name: string;
}

export function endpointsOf(connector: Connector): Endpoint[] {
  return Object.entries(connector.endpoints ?? {}).map(([key, it]) => ({ ...it, key, name: it.name || key }));
}

/** Those that have each of the words in their method, path, name, key or tags. */
export function matching(endpoints: Endpoint[], text: string): Endpoint[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return endpoints;
  return endpoints.filter((it) => {
    const said = [it.method, it.path, it.name, it.key, ...(it.tags ?? [])].join(" ").toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/** Their tags, those of the most endpoints first. */
export function tagsOf(endpoints: Endpoint[]): string[] {
  const counts = new Map<string, number>();
  for (const it of endpoints) for (const tag of it.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([tag]) => tag);
}

/** The one that is tried with the least to fill in and nothing to break: a GET, without parameters if there is one. */
export function easiest(endpoints: Endpoint[]): Endpoint | undefined {
  const reads = endpoints.filter((it) => it.method === "GET" && !it.deprecated);
  return reads.find((it) => !it.path.includes("{")) ?? reads[0];
}
