import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { every, listQuery } from "~/api/pages";
import type { Delivery } from "~/api/schema";
import { Button } from "~/kit/button";
import { Select } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { Table } from "~/kit/table";
import { Code, Moment } from "~/kit/text";
import { Empty } from "~/kit/told";
import type { WebhookSearch } from "./search";
import { VERDICT_NAMES, Verdict, verdictOf } from "./verdict";

/** What came, the newest first. */
export function Deliveries({ search }: { search: WebhookSearch }) {
  const navigate = useNavigate();
  const { connection, tenant, verdict } = search;
  const query = useInfiniteQuery({
    ...listQuery<Delivery>("/v1/deliveries", { connection, tenant, verdict }),
    refetchInterval: every(5_000),
  });
  const set = (change: WebhookSearch) => {
    const next = Object.fromEntries(Object.entries({ ...search, ...change, tab: "deliveries" }).filter(([, it]) => it));
    void navigate({ to: "/webhooks", search: next, replace: true });
  };
  const isFiltered = connection || tenant || verdict;
  return (
    <>
      <div className="mb-3 flex flex-wrap gap-2">
        <Search label="Connection" value={connection ?? ""} onSearch={(it) => set({ connection: it })} />
        <Search label="Tenant" value={tenant ?? ""} onSearch={(it) => set({ tenant: it })} />
        <Select
          aria-label="Verdict"
          className="w-auto"
          value={verdict ?? ""}
          onChange={(event) => set({ verdict: event.target.value })}
        >
          <option value="">Any verdict</option>
          {VERDICT_NAMES.map((it) => (
            <option key={it} value={it}>
              {verdictOf(it).word}
            </option>
          ))}
        </Select>
        {isFiltered && (
          <Button
            kind="quiet"
            onClick={() => navigate({ to: "/webhooks", search: { tab: "deliveries" }, replace: true })}
          >
            Clear
          </Button>
        )}
      </div>
      <List
        query={query}
        empty={
          <Empty title={isFiltered ? "Nothing that these filters let through" : "No deliveries yet"}>
            Each delivery stands here with its verdict, for three days unless the configuration says otherwise (
            <Code>webhooks.deliveries.keep</Code>).
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Deliveries"
            rows={items}
            keyOf={(it) => it.id}
            columns={[
              { head: "When", cell: (it) => <Moment at={it.time} /> },
              {
                head: "To",
                cell: (it) => (
                  <>
                    <strong className="font-medium">{it.connection}</strong>
                    {it.tenant && <span className="text-dim"> · {it.tenant}</span>}
                  </>
                ),
              },
              { head: "Verdict", cell: (it) => <Verdict verdict={it.verdict} /> },
              { head: "Answered", cell: (it) => <span className="tabular-nums">{it.status}</span> },
              { head: "Sender's id", narrow: "hide", cell: (it) => it.webhook_id && <Code>{it.webhook_id}</Code> },
              { head: "Bytes", align: "right", narrow: "hide", cell: (it) => it.bytes.toLocaleString("en") },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) => (
                  <Link
                    to="/webhooks/deliveries/$id"
                    params={{ id: it.id }}
                    className="inline-flex min-h-8 items-center font-medium text-accent underline"
                    aria-label={`Show the delivery ${it.id}`}
                  >
                    Show
                  </Link>
                ),
              },
            ]}
          />
        )}
      </List>
    </>
  );
}
