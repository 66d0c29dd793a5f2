import type { Environment } from "~/api/schema";
import { count } from "~/kit/text";

/** How many environments assign a connection, and how many of these are deployed. */
export interface Assigned {
  environments: number;
  deployed: number;
}

/** Who assigns what, by connection. */
export function assignedIn(environments: Pick<Environment, "assign" | "deployed">[]): Map<string, Assigned> {
  const found = new Map<string, Assigned>();
  for (const it of environments) {
    for (const connection of new Set(Object.values(it.assign ?? {}))) {
      const before = found.get(connection) ?? { environments: 0, deployed: 0 };
      found.set(connection, {
        environments: before.environments + 1,
        deployed: before.deployed + (it.deployed ? 1 : 0),
      });
    }
  }
  return found;
}

/** How many environments depend on it. */
export function usedBy(uses: Assigned | undefined): string {
  if (!uses) return "–";
  if (uses.environments === 0) return "no environment yet";
  const deployed = uses.deployed > 0 ? `, ${uses.deployed.toLocaleString("en")} deployed` : "";
  return count(uses.environments, "environment") + deployed;
}
