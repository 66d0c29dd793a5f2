import type { Environment, Integration } from "~/api/schema";
import { Card } from "~/kit/page";
import { type Column, Table } from "~/kit/table";
import { Code } from "~/kit/text";
import { Badge } from "~/kit/told";
import { Cell } from "./cell";
import { EnvironmentMenu } from "./environment-menu";

/** More of them than stand beside each other are written below each other. */
const COLUMNS_MAX = 4;

/** The environments of an integration, and which connection each has for each connector. */
export function Matrix({ integration, environments }: { integration: Integration; environments: Environment[] }) {
  const links = Object.entries(integration.connectors ?? {});
  const label = `Environments of ${integration.name || integration.key}`;
  if (links.length <= COLUMNS_MAX) {
    const columns: Column<Environment>[] = [
      { head: "Environment", narrow: "bare", cell: (it) => <Name environment={it} integration={integration} /> },
      ...links.map(([alias, link]) => ({
        head: alias,
        cell: (it: Environment) => <Cell environment={it} alias={alias} connector={link.connector} />,
      })),
    ];
    return <Table label={label} columns={columns} rows={environments} keyOf={(it) => it.key} />;
  }
  return (
    <ul aria-label={label} className="grid gap-3 lg:grid-cols-2">
      {environments.map((it) => (
        <li key={it.key}>
          <Card className="grid gap-3">
            <Name environment={it} integration={integration} />
            <dl className="grid grid-cols-[minmax(6rem,auto)_1fr] items-center gap-x-4 gap-y-1 text-[13px]">
              {links.map(([alias, link]) => (
                <div key={alias} className="contents">
                  <dt className="text-dim">{alias}</dt>
                  <dd>
                    <Cell environment={it} alias={alias} connector={link.connector} />
                  </dd>
                </div>
              ))}
            </dl>
          </Card>
        </li>
      ))}
    </ul>
  );
}

function Name({ environment, integration }: { environment: Environment; integration: Integration }) {
  const links = Object.keys(integration.connectors ?? {});
  const missing = links.filter((it) => !environment.assign?.[it]).length;
  return (
    <div className="flex items-start justify-between gap-2">
      <div className="min-w-0">
        <p className="font-medium">{environment.name || environment.key}</p>
        <p className="flex flex-wrap items-center gap-1.5">
          <Code>{environment.key}</Code>
          {environment.deployed && <Badge tone="info">Deployed</Badge>}
          {missing > 0 && (
            <Badge tone={environment.deployed ? "bad" : "warn"}>
              {missing} of {links.length} missing
            </Badge>
          )}
        </p>
      </div>
      <EnvironmentMenu environment={environment} />
    </div>
  );
}
