import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery } from "~/api/pages";
import type { AuditEntry } from "~/api/schema";
import { Button } from "~/kit/button";
import { Dialog } from "~/kit/dialog";
import { List, Search } from "~/kit/list";
import { Facts, Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, CodeBlock, count, Moment } from "~/kit/text";
import { Empty, Failure, Notice } from "~/kit/told";
import { AUDIT_FIELDS } from "./audit-search";
import { SettingsPage } from "./settings-page";

interface Checked {
  entries: number;
  sound: boolean;
  head?: string | null;
  breaks: { seq?: number | null; what: string }[];
}

const LABELS = { who: "Who", kind: "What kind", key: "Key", tenant: "Tenant" };

/** Who did what, and whether the trail is as it was written. */
export function AuditPage() {
  const picked = useSearch({ from: "/settings/audit" });
  const navigate = useNavigate();
  const [shown, setShown] = useState<AuditEntry>();
  const query = useInfiniteQuery(listQuery<AuditEntry>("/v1/audit", { ...picked }));
  const check = useMutation({ mutationFn: () => json<Checked>("POST", "/v1/audit/verify", {}) });
  return (
    <SettingsPage
      title="Audit trail"
      about="Every change and who made it, the newest first. Each entry is chained to the one before, so that what was changed, put in or taken away is found."
      acts={
        <Button busy={check.isPending} onClick={() => check.mutate()}>
          Verify the trail
        </Button>
      }
    >
      {check.error ? (
        <Section>
          <Failure error={check.error} />
        </Section>
      ) : null}
      {check.data && (
        <Section>
          <Outcome checked={check.data} />
        </Section>
      )}
      <div className="mb-3 flex flex-wrap gap-2">
        {AUDIT_FIELDS.map((name) => (
          <Search
            key={name}
            label={LABELS[name]}
            value={picked[name] ?? ""}
            onSearch={(text) => {
              const { [name]: _, ...others } = picked;
              void navigate({
                to: "/settings/audit",
                search: text ? { ...others, [name]: text } : others,
                replace: true,
              });
            }}
          />
        ))}
      </div>
      <List query={query} empty={<Empty title="No entries">Nothing was done that these filters let through.</Empty>}>
        {(items) => (
          <Table
            label="Audit trail"
            rows={items}
            keyOf={(it) => String(it.seq)}
            columns={[
              {
                head: "No.",
                align: "right",
                className: "md:w-16",
                cell: (it) => <span className="text-dim">{it.seq}</span>,
              },
              { head: "When", cell: (it) => <Moment at={it.at} /> },
              { head: "Who", cell: (it) => it.who },
              { head: "Did", cell: (it) => it.act },
              {
                head: "To",
                cell: (it) => (
                  <>
                    {it.kind} <Code>{it.key}</Code>
                    {it.tenant && <span className="text-dim"> of {it.tenant}</span>}
                  </>
                ),
              },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) => (
                  <Button className="min-h-8" aria-label={`Show entry ${it.seq}`} onClick={() => setShown(it)}>
                    Show
                  </Button>
                ),
              },
            ]}
          />
        )}
      </List>
      {shown && (
        <Dialog title={`Entry ${shown.seq}`} open onClose={() => setShown(undefined)} wide>
          <div className="grid gap-4">
            <Facts
              items={[
                ["When", new Date(shown.at).toLocaleString()],
                ["Who", shown.who],
                ["Did", `${shown.act} ${shown.kind} ${shown.key}${shown.tenant ? ` of ${shown.tenant}` : ""}`],
              ]}
            />
            <div className="grid gap-3 sm:grid-cols-2">
              <div className="min-w-0">
                <h3 className="mb-1 text-[13px] font-medium">Before</h3>
                <CodeBlock text={JSON.stringify(shown.before, null, 2) ?? "null"} label="Before" />
              </div>
              <div className="min-w-0">
                <h3 className="mb-1 text-[13px] font-medium">After</h3>
                <CodeBlock text={JSON.stringify(shown.after, null, 2) ?? "null"} label="After" />
              </div>
            </div>
          </div>
        </Dialog>
      )}
    </SettingsPage>
  );
}

function Outcome({ checked }: { checked: Checked }) {
  if (checked.sound) {
    return (
      <Notice tone="good" title={`All ${count(checked.entries, "entry", "entries")} are as they were written.`}>
        {checked.head && (
          <>
            Keep this somewhere else, to find out later whether the end was cut off: <Code>{checked.head}</Code>
          </>
        )}
      </Notice>
    );
  }
  return (
    <Notice tone="bad" title="The trail is not as it was written.">
      <ul className="list-disc pl-5">
        {checked.breaks.map((it) => (
          <li key={`${it.seq} ${it.what}`}>
            {it.seq ? `Entry ${it.seq}: ` : ""}
            {it.what}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
