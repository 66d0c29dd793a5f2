import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { listQuery } from "~/api/pages";
import type { Connection } from "~/api/schema";
import { List, Search } from "~/kit/list";
import { cx } from "~/kit/style";
import { Code } from "~/kit/text";
import { Badge } from "~/kit/told";
import { healthOf } from "./health";

interface Props {
  connector: string;
  value: string | undefined;
  /** That one is not offered. */
  but?: string;
  onPick: (key: string) => void;
}

/** One of a connector's connections, found by its words. */
export function PickConnection({ connector, value, but, onPick }: Props) {
  const [q, setQ] = useState("");
  const query = useInfiniteQuery(listQuery<Connection>("/v1/connections", { connector, q }));
  // An API that knows no filter yet answers all of them.
  const fits = (it: Connection) => it.connector === connector && it.key !== but;
  return (
    <div className="grid gap-2">
      <Search label="Search connections" value={q} onSearch={setQ} />
      <div className="max-h-72 overflow-y-auto pr-1">
        <List query={query} empty={<None />}>
          {(items) => {
            const offered = items.filter(fits);
            if (offered.length === 0) return <None />;
            return (
              <fieldset className="grid gap-1.5">
                <legend className="sr-only">Connection</legend>
                {offered.map((it) => (
                  <label
                    key={it.key}
                    className={cx(
                      "flex cursor-pointer items-start gap-2.5 rounded-lg border px-3 py-2",
                      it.key === value ? "border-accent bg-accent-soft" : "border-line",
                    )}
                  >
                    <input
                      type="radio"
                      name="connection"
                      className="mt-1 accent-(--accent)"
                      checked={it.key === value}
                      onChange={() => onPick(it.key)}
                    />
                    <span className="min-w-0 flex-1 text-[13px]">
                      <span className="block font-medium">{it.name || it.key}</span>
                      <Code>{it.key}</Code>
                    </span>
                    <Badge tone={healthOf(it).tone}>{healthOf(it).word}</Badge>
                  </label>
                ))}
              </fieldset>
            );
          }}
        </List>
      </div>
    </div>
  );
}

function None() {
  return <p className="py-4 text-center text-[13px] text-dim">There is no other connection to this API.</p>;
}
