import { Link } from "@tanstack/react-router";
import type { Change, Preview, Use } from "~/api/schema";
import { Code, count } from "~/kit/text";
import { Badge, Notice } from "~/kit/told";
import { connectionPage, integrationPage } from "./elsewhere";

/** Who uses something, as a list of links; nothing where nobody does. */
export function Uses({ uses, total }: { uses: Use[]; total: number }) {
  if (uses.length === 0) return null;
  return (
    <ul className="grid max-h-60 gap-1 overflow-y-auto text-[13px]">
      {uses.map((it) => (
        <li key={`${it.kind} ${it.key} ${it.alias} ${it.tenant}`}>
          <OneUse use={it} />
        </li>
      ))}
      {total > uses.length && <li className="text-dim">and {count(total - uses.length, "other")}</li>}
    </ul>
  );
}

function OneUse({ use }: { use: Use }) {
  const key = use.key ?? "";
  switch (use.kind) {
    case "connection":
      return (
        <>
          Connection{" "}
          <Link {...connectionPage(key)} className="underline">
            {key}
          </Link>
        </>
      );
    case "integration":
      return (
        <>
          Integration{" "}
          <Link {...integrationPage(key)} className="underline">
            {key}
          </Link>
          {use.alias && (
            <>
              , as <Code>{use.alias}</Code>
            </>
          )}
        </>
      );
    case "environment":
      return (
        <>
          Environment {key} {use.deployed && <Badge tone="warn">deployed</Badge>}
        </>
      );
    case "activations":
      return <>{count(use.count ?? 0, "activation")}</>;
    case "activation":
      return <>The activation of {use.tenant}</>;
  }
}

/** What a deletion would break, before it is done. */
export function WouldBreak({ preview, what }: { preview: Preview; what: string }) {
  if (preview.total === 0) return <p>Nothing uses {what}.</p>;
  return (
    <div className="grid gap-2">
      <p>
        {count(preview.total, "use")} of {what}
        {preview.deployed > 0 && `, in ${count(preview.deployed, "deployed environment")}`}:
      </p>
      <Uses uses={preview.uses} total={preview.total} />
    </div>
  );
}

/** What an edit would do, before it is done. */
export function WouldChange({ change }: { change: Change }) {
  return (
    <div className="grid gap-3">
      {change.breaks.length > 0 && (
        <Notice tone="bad" title="These work now, and would not any more">
          <Uses uses={change.breaks} total={change.breaks.length} />
        </Notice>
      )}
      {change.moves.length > 0 && (
        <Notice tone="warn" title="Stored credentials would go elsewhere than where they were entered for">
          <ul className="grid gap-1">
            {change.moves.map((it) => (
              <li key={it.connection}>
                {it.connection}: from {it.from.origins.join(", ") || "nowhere"} to{" "}
                {it.to.origins.join(", ") || "nowhere"}
                {it.activations > 0 && `, of ${count(it.activations, "tenant")}`}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {change.total > 0 ? (
        <div className="text-[13px]">
          <p className="mb-1">
            It counts at once for {count(change.total, "use")}
            {change.environments > 0 && `, in ${count(change.environments, "environment")}`}
            {change.deployed > 0 && `, ${change.deployed} of them deployed`}
            {change.activations > 0 && `, with ${count(change.activations, "activation")}`}:
          </p>
          <Uses uses={change.uses} total={change.total} />
        </div>
      ) : (
        <p className="text-[13px]">Nobody is affected.</p>
      )}
    </div>
  );
}
