import { Link } from "@tanstack/react-router";
import type { Exchange } from "~/api/schema";
import { cx } from "~/kit/style";
import { Outcome } from "./fault";
import { idOf } from "./merge";
import { duration } from "./phases";

/** Exchanges, the newest first: a line each where there is room, a card each where there is not. */
export function Rows({
  exchanges,
  label,
  from,
}: {
  exchanges: Exchange[];
  label: string;
  from?: "tenant" | undefined;
}) {
  return (
    <ol aria-label={label} className="divide-y divide-line rounded-xl border border-line bg-panel text-[13px]">
      {exchanges.map((it) => (
        <li key={idOf(it)} className="far">
          <Link
            to="/live/$id"
            params={{ id: it.request_id }}
            className={cx(
              "grid items-baseline gap-x-4 gap-y-0.5 px-4 py-2 hover:bg-sunken",
              "grid-cols-[1fr_auto] md:grid-cols-[5rem_minmax(0,1fr)_minmax(0,13rem)_8rem_4.5rem]",
            )}
          >
            <time dateTime={it.time} className="text-xs text-dim tabular-nums max-md:order-3">
              {new Date(it.time).toLocaleTimeString("en-GB")}
            </time>
            <span className="min-w-0 font-mono text-xs break-all max-md:order-1">
              <span className="font-semibold">{it.method}</span> {it.path}
            </span>
            <span className="min-w-0 truncate text-xs text-dim max-md:order-4 max-md:text-right">
              {it.connection ?? it.environment ?? "no connection"}
              {from !== "tenant" && it.tenant && ` · ${it.tenant}`}
            </span>
            <span className="max-md:order-2 max-md:justify-self-end">
              <Outcome status={it.status} source={it.error_source} />
            </span>
            <span className="text-right text-xs tabular-nums max-md:hidden">{duration(it.total)}</span>
          </Link>
        </li>
      ))}
    </ol>
  );
}
