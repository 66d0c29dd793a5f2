import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { every, listQuery } from "~/api/pages";
import type { Hook } from "~/api/schema";
import { List } from "~/kit/list";
import { Card } from "~/kit/page";
import { Code, Copy, count, Moment } from "~/kit/text";
import { Badge, Empty } from "~/kit/told";
import { VERDICT_NAMES, Verdict } from "./verdict";

/** The connections that take webhooks: their address, and how they fare. */
export function Endpoints() {
  const query = useInfiniteQuery({ ...listQuery<Hook>("/v1/hooks"), refetchInterval: every(10_000) });
  return (
    <List
      query={query}
      empty={
        <Empty title="Nothing takes webhooks yet">
          Make a connection with an auth method of the type <Code>hmac</Code>: GitHub, Stripe, Slack and 120 others are
          ready to pick. It has an address to give to the sender, and forwards what is genuine to your base URL.
        </Empty>
      }
    >
      {(items) => (
        <ul className="grid gap-3 lg:grid-cols-2">
          {items.map((it) => (
            <li key={it.connection}>
              <Endpoint hook={it} />
            </li>
          ))}
        </ul>
      )}
    </List>
  );
}

function Endpoint({ hook }: { hook: Hook }) {
  const said = VERDICT_NAMES.filter((it) => hook.counts[it as keyof typeof hook.counts] > 0);
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <div>
          <h2 className="text-sm font-semibold">
            <Link to="/connections/$key" params={{ key: hook.connection }} className="hover:underline">
              {hook.name}
            </Link>
          </h2>
          <Code>{hook.connection}</Code>
        </div>
        <div className="flex flex-wrap gap-1.5">
          {hook.preset && <Badge>{hook.preset}</Badge>}
          {hook.embedded && <Badge tone="info">each tenant's own</Badge>}
          {!hook.enabled && <Badge tone="warn">switched off</Badge>}
        </div>
      </div>
      {hook.url ? (
        <div className="flex flex-wrap items-center justify-between gap-2 rounded-lg bg-sunken px-3 py-2">
          <code className="min-w-0 font-mono text-xs break-all">{hook.url}</code>
          <Copy text={hook.url} label="Copy the address" />
        </div>
      ) : (
        <p className="text-[13px] text-dim">
          Its address is not known: say in <Code>server.public.url</Code> what the internet calls this attache.
        </p>
      )}
      <div className="flex flex-wrap items-center justify-between gap-2 text-[13px]">
        {said.length === 0 ? (
          <span className="text-dim">Nothing came lately.</span>
        ) : (
          <ul className="flex flex-wrap gap-x-3 gap-y-1">
            {said.map((it) => (
              <li key={it}>
                <Link
                  to="/webhooks"
                  search={{ tab: "deliveries", connection: hook.connection, verdict: it }}
                  className="inline-flex min-h-6 items-center gap-1.5 hover:underline"
                >
                  <Verdict verdict={it} />
                  <span className="tabular-nums">
                    {hook.counts[it as keyof typeof hook.counts].toLocaleString("en")}
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )}
        <span className="text-xs text-dim">
          {hook.last_at && (
            <>
              last <Moment at={hook.last_at} />
            </>
          )}
        </span>
      </div>
      {hook.left_out > 0 && (
        <p className="text-xs text-dim">
          {count(hook.left_out, "more delivery", "more deliveries")} were refused, faster than they are written down.
        </p>
      )}
    </Card>
  );
}
