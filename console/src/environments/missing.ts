import type { Environment, Integration } from "~/api/schema";

export interface Hole {
  environment: string;
  deployed: boolean;
  aliases: string[];
}

/** Environments that have no connection for a connector that their integration links. */
export function missingIn(
  integrations: Pick<Integration, "key" | "connectors">[],
  environments: Pick<Environment, "key" | "name" | "integration" | "deployed" | "assign">[],
): Hole[] {
  return environments.flatMap((it) => {
    const links = integrations.find((one) => one.key === it.integration)?.connectors ?? {};
    const aliases = Object.keys(links).filter((alias) => !it.assign?.[alias]);
    return aliases.length > 0 ? [{ environment: it.name || it.key, deployed: it.deployed === true, aliases }] : [];
  });
}
