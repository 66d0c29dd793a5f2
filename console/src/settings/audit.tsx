import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { AuditChecked, AuditEntry } from "~/api/schema";
import { Button } from "~/kit/button";
import { Dialog } from "~/kit/dialog";
import { Field, TextInput } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { Facts, Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, CodeBlock, count, Moment } from "~/kit/text";
import { Empty, Failure, Notice } from "~/kit/told";
import { AUDIT_FIELDS } from "./audit-search";
import { SettingsPage } from "./settings-page";

const LABELS = { who: "Who", kind: "What kind", key: "Key", tenant: "Tenant" };

/** Who did what, and whether the trail is as it was written. */
export function AuditPage() {
  const picked = useSearch({ from: "/settings/audit" });
  const navigate = useNavigate();
  const [shown, setShown] = useState<AuditEntry>();
  const query = useInfiniteQuery(listQuery<AuditEntry>("/v1/audit", { ...picked }));
  const [kept, setKept] = useState("");
  const check = useMutation({ mutationFn: () => json<AuditChecked>("POST", "/v1/audit/verify", kept ? { kept } : {}) });
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
      <details className="mb-4 text-[13px]">
        <summary className="inline-flex min-h-6 items-center text-dim hover:text-ink">
          Hold it against an entry that was kept from an earlier check
        </summary>
        <div className="mt-2 max-w-xl">
          <Field
            label="The entry that was kept"
            help="What a check said is to be kept elsewhere. It has to be in the trail still, or older data was put back."
            error={isApiError(check.error) ? check.error.at("/kept") : undefined}
          >
            {(ties) => (
              <TextInput {...ties} mono value={kept} onChange={(event) => setKept(event.target.value.trim())} />
            )}
          </Field>
        </div>
      </details>
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

function Outcome({ checked }: { checked: AuditChecked }) {
  if (checked.sound) {
    return (
      <Notice tone="good" title={`All ${count(checked.entries, "entry", "entries")} are as they were written.`}>
        {checked.head && (
          <>
            Keep this somewhere else, and hold the trail against it later: it shows whether its end was cut off.{" "}
            <Code>{checked.head}</Code>
          </>
        )}
      </Notice>
    );
  }
  return (
    <Notice tone="bad" title="The trail is not as it was written.">
      <ul className="list-disc pl-5">
        {checked.breaks.map((it) => (
          <li key={`${it.seq} ${it.last} ${it.code}`}>
            {it.last > it.seq ? `Entries ${it.seq} to ${it.last}: ` : it.seq ? `Entry ${it.seq}: ` : ""}
            {it.what}
          </li>
        ))}
        {checked.more > 0 && <li>{count(checked.more, "more place")} like these.</li>}
      </ul>
    </Notice>
  );
}
