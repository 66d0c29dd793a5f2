import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import type { Caller, IssuedCaller } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Issued } from "~/kit/issued";
import { List, Search } from "~/kit/list";
import { Menu } from "~/kit/menu";
import { Table } from "~/kit/table";
import { Code, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty } from "~/kit/told";
import { CallerForm, Rotate } from "./caller-dialogs";
import { grants } from "./caller-form";
import { SettingsPage } from "./settings-page";

type Asked =
  | { act: "new" }
  | { act: "edit" | "rotate" | "delete"; caller: Caller }
  | { act: "withdraw"; caller: Caller; prefix: string };

/** The programs that may send requests through the proxy. */
export function CallersPage() {
  const { q = "" } = useSearch({ from: "/settings/callers" });
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked>();
  const [issued, setIssued] = useState<IssuedCaller>();
  const query = useInfiniteQuery(listQuery<Caller>("/v1/callers", { q }));
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const done = async (text?: string) => {
    await queries.invalidateQueries({ queryKey: ["list", "/v1/callers"] });
    if (text) tell(text);
  };
  const close = () => setAsked(undefined);
  const made = async (it: IssuedCaller) => {
    close();
    setIssued(it);
    await done();
  };
  return (
    <SettingsPage
      title="Callers"
      about="Programs that send requests through the proxy, each with keys of its own and what it may use."
      acts={
        mayAct && (
          <Button kind="primary" onClick={() => setAsked({ act: "new" })}>
            New caller
          </Button>
        )
      }
    >
      <div className="mb-3">
        <Search
          label="Search callers"
          value={q}
          onSearch={(text) => navigate({ to: "/settings/callers", search: text ? { q: text } : {}, replace: true })}
        />
      </div>
      <List
        query={query}
        empty={
          <Empty title={q ? "No caller has this in its key" : "No callers yet"}>
            {!q &&
              "A caller is one of your programs: a worker, an integration runtime, an agent. It shows its key with each request, and never sees an API's credentials."}
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Callers"
            rows={items}
            keyOf={(it) => it.key}
            columns={[
              {
                head: "Caller",
                cell: (it) => (
                  <span className="inline-flex flex-wrap items-center gap-2">
                    <strong className="font-medium">{it.key}</strong>
                    {it.tenant_scoped && <Badge tone="info">for tenants</Badge>}
                    {it.source && <Badge title={`${it.source.file}, line ${it.source.line}`}>in a file</Badge>}
                  </span>
                ),
              },
              { head: "May use", cell: (it) => <span className="text-dim">{grants(it)}</span> },
              {
                head: "Keys",
                cell: (it) => (
                  <Keys
                    caller={it}
                    {...(mayAct &&
                      !it.source && {
                        onWithdraw: (prefix: string) => setAsked({ act: "withdraw", caller: it, prefix }),
                      })}
                  />
                ),
              },
              {
                head: "Limit",
                narrow: "hide",
                cell: (it) =>
                  it.rate ? `${it.rate.requests} per ${it.rate.per ?? "1s"}` : <span className="text-dim">none</span>,
              },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) =>
                  mayAct &&
                  !it.source && (
                    <Menu
                      label={`More for ${it.key}`}
                      items={[
                        { label: "What it may use …", onSelect: () => setAsked({ act: "edit", caller: it }) },
                        { label: "New key …", onSelect: () => setAsked({ act: "rotate", caller: it }) },
                        { label: "Delete …", danger: true, onSelect: () => setAsked({ act: "delete", caller: it }) },
                      ]}
                    />
                  ),
              },
            ]}
          />
        )}
      </List>
      {asked?.act === "new" && <CallerForm onClose={close} onDone={made} />}
      {asked?.act === "edit" && (
        <CallerForm
          caller={asked.caller}
          onClose={close}
          onDone={async () => {
            close();
            await done(`${asked.caller.key} is changed`);
          }}
        />
      )}
      {asked?.act === "rotate" && <Rotate caller={asked.caller} onClose={close} onDone={made} />}
      <Confirm
        title={asked?.act === "delete" ? `Delete the caller ${asked.caller.key}?` : ""}
        act="Delete it and its keys"
        open={asked?.act === "delete"}
        onClose={close}
        onAct={async () => {
          if (asked?.act !== "delete") return;
          await json("DELETE", `/v1/callers/${part(asked.caller.key)}`);
          await done(`${asked.caller.key} is deleted`);
        }}
      >
        Every program that shows one of its keys is answered 401 from now on. The key is not given to anybody again.
      </Confirm>
      <Confirm
        title={asked?.act === "withdraw" ? `Withdraw the key ${asked.prefix}…?` : ""}
        act="Withdraw the key"
        open={asked?.act === "withdraw"}
        onClose={close}
        onAct={async () => {
          if (asked?.act !== "withdraw") return;
          await json("DELETE", `/v1/callers/${part(asked.caller.key)}/keys/${part(asked.prefix)}`);
          await done("The key is withdrawn");
        }}
      >
        Programs that still show this key are answered 401 from now on. The caller's other keys go on.
      </Confirm>
      {issued && (
        <Issued
          title={`The key of ${issued.key}`}
          label="Caller key"
          secret={issued.caller_key}
          example={`curl http://127.0.0.1:8080/ \\\n  -H 'Attache-Key: ${issued.caller_key}' \\\n  -H 'Attache-Connection: …'`}
          onClose={() => setIssued(undefined)}
        />
      )}
    </SettingsPage>
  );
}

function Keys({ caller, onWithdraw }: { caller: Caller; onWithdraw?: (prefix: string) => void }) {
  const keys = caller.keys ?? [];
  if (keys.length === 0) return <span className="text-dim">{caller.source ? "in the file" : "none"}</span>;
  return (
    <ul className="grid gap-1">
      {keys.map((it) => (
        <li key={it.prefix} className="flex flex-wrap items-center gap-x-2 text-xs">
          <Code>{`${it.prefix}…`}</Code>
          <span className="text-dim">
            {it.expires_at ? (
              <>
                ends <Moment at={it.expires_at} />
              </>
            ) : (
              <>
                made <Moment at={it.created_at} />
              </>
            )}
          </span>
          {onWithdraw && keys.length > 1 && (
            <button type="button" className="min-h-6 text-xs text-bad underline" onClick={() => onWithdraw(it.prefix)}>
              Withdraw
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
