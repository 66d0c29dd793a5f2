import type { Moved, Use } from "~/api/schema";
import { Code, count } from "~/kit/text";
import { Badge } from "~/kit/told";

/** What previews and refusals of the API say: who uses it, who would not work any more, whose credentials would move. */
export interface Told {
  uses?: Use[];
  breaks?: Use[];
  moves?: Moved[];
  total?: number;
  activations?: number;
}

/** What an act would do to whom, in words. */
export function Consequences({ told }: { told: Told }) {
  const { uses = [], breaks = [], moves = [] } = told;
  return (
    <div className="grid gap-3 text-[13px]">
      {moves.map((it) => (
        <p key={it.connection}>
          Credentials of <Code>{it.connection}</Code>
          {it.activations > 0 && ` and of ${count(it.activations, "tenant")}`} would go to{" "}
          <Code>{it.to.origins.join(", ") || "nowhere"}</Code> instead of{" "}
          <Code>{it.from.origins.join(", ") || "nowhere"}</Code>.
        </p>
      ))}
      {breaks.length > 0 && (
        <div>
          <p className="font-medium text-bad">These work now, and would not any more:</p>
          <UseList uses={breaks} />
        </div>
      )}
      {uses.length > 0 && (
        <div>
          <p className="font-medium">Used by</p>
          <UseList uses={uses} />
          {(told.total ?? 0) > uses.length && uses.every((it) => it.kind !== "activations") && (
            <p className="text-dim">and others, {(told.total ?? 0).toLocaleString("en")} in all.</p>
          )}
        </div>
      )}
    </div>
  );
}

export function UseList({ uses }: { uses: Use[] }) {
  return (
    <ul className="mt-1 grid max-h-56 gap-1 overflow-y-auto">
      {uses.map((it) => (
        <li key={`${it.kind}.${it.key}.${it.alias}.${it.tenant}`} className="flex flex-wrap items-center gap-1.5">
          {wordsOf(it)}
          {it.key && it.kind !== "activations" && <Code>{it.key}</Code>}
          {it.alias && <span className="text-dim">as {it.alias}</span>}
          {it.deployed && <Badge tone="info">deployed</Badge>}
        </li>
      ))}
    </ul>
  );
}

function wordsOf(use: Use): string {
  switch (use.kind) {
    case "environment":
      return "Environment";
    case "connection":
      return "Connection";
    case "integration":
      return "Integration";
    case "activations":
      return `${count(use.count ?? 0, "tenant")}, with their credentials`;
    case "activation":
      return `Tenant ${use.tenant ?? ""} under`;
  }
}
