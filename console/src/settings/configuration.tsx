import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import type { Configuration, ConfigurationOrigin } from "~/api/schema";
import { TextInput } from "~/kit/field";
import { Table } from "~/kit/table";
import { Code } from "~/kit/text";
import { Badge, Empty, Failure, Loading } from "~/kit/told";
import { SettingsPage } from "./settings-page";
import { shown } from "./value";

/** The configuration that is in force, and where each value came from. */
export function ConfigurationPage() {
  const [text, setText] = useState("");
  const [onlySet, setOnlySet] = useState(true);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["configuration"],
    queryFn: () => json<Configuration>("GET", "/v1/configuration"),
  });
  const items =
    data?.items.filter(
      (it) =>
        (!onlySet || it.origin.kind !== "default") && (contains(it.path, text) || contains(shown(it.value), text)),
    ) ?? [];
  return (
    <SettingsPage
      title="Configuration"
      about={`What is in force${data ? `, as it was read for the ${ordinal(data.generation)} time` : ""}, and where each value came from. It is changed where it stands.`}
    >
      <div className="mb-3 flex flex-wrap items-center gap-3">
        <div className="w-full sm:max-w-xs">
          <TextInput
            type="search"
            aria-label="Search settings"
            placeholder="Search settings"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <label className="inline-flex min-h-9 items-center gap-2 text-[13px]">
          <input
            type="checkbox"
            className="accent-(--accent)"
            checked={onlySet}
            onChange={(event) => setOnlySet(event.target.checked)}
          />
          Only what is set
        </label>
      </div>
      {isPending ? (
        <Loading rows={6} />
      ) : error ? (
        <Failure error={error} again={() => refetch()} />
      ) : items.length === 0 ? (
        <Empty title="Nothing is set that has this in it">
          {onlySet && "Defaults are left out: untick the box to see them."}
        </Empty>
      ) : (
        <Table
          label="Configuration"
          rows={items}
          keyOf={(it) => [it.path, it.origin.file, it.origin.line].join("\n")}
          columns={[
            { head: "Setting", cell: (it) => <Code>{it.path}</Code> },
            {
              head: "Value",
              cell: (it) =>
                it.is_secret ? (
                  <span className="text-dim">set, and not shown</span>
                ) : (
                  <span className="font-mono text-xs break-all">{shown(it.value)}</span>
                ),
            },
            { head: "From", cell: (it) => <From origin={it.origin} /> },
          ]}
        />
      )}
    </SettingsPage>
  );
}

function contains(text: string, sought: string): boolean {
  return text.toLowerCase().includes(sought.trim().toLowerCase());
}

function From({ origin }: { origin: ConfigurationOrigin }) {
  if (origin.kind === "default") return <span className="text-dim">default</span>;
  if (origin.kind === "made") return <Badge>made at the start</Badge>;
  return (
    <span className="text-xs">
      {origin.setting && <Code>{origin.setting}</Code>}
      {origin.file && (
        <span className="text-dim">
          {origin.setting ? " in " : ""}
          {origin.file}
          {origin.line ? `, line ${origin.line}` : ""}
        </span>
      )}
    </span>
  );
}

function ordinal(number: number): string {
  const tail = number % 100 >= 11 && number % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${tail}`;
}
