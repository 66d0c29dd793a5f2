import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Caller, IssuedCaller } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Acts, Confirm, Dialog } from "~/kit/dialog";
import { Field, Select, TextInput, Toggle } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { Menu } from "~/kit/menu";
import { Table } from "~/kit/table";
import { Code, count, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty, Failure } from "~/kit/told";
import { type CallerFields, callerBody, EVERYTHING, grants } from "./caller-form";
import { Issued } from "./issued";
import { SettingsPage } from "./settings-page";

type Asked =
  | { act: "new" }
  | { act: "rotate" | "delete"; caller: Caller }
  | { act: "withdraw"; caller: Caller; prefix: string };

/** The programs that may send requests through the proxy. */
export function CallersPage() {
  const [q, setQ] = useState("");
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
        <Search label="Search callers" value={q} onSearch={setQ} />
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
      {asked?.act === "new" && (
        <NewCaller
          onClose={close}
          onMade={async (it) => {
            close();
            setIssued(it);
            await done();
          }}
        />
      )}
      {asked?.act === "rotate" && (
        <Rotate
          caller={asked.caller}
          onClose={close}
          onMade={async (it) => {
            close();
            setIssued(it);
            await done();
          }}
        />
      )}
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

function NewCaller({ onClose, onMade }: { onClose: () => void; onMade: (issued: IssuedCaller) => void }) {
  const [fields, setFields] = useState<CallerFields>(EVERYTHING);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [once] = useState(() => crypto.randomUUID());
  const set = <K extends keyof CallerFields>(name: K, value: CallerFields[K]) =>
    setFields({ ...fields, [name]: value });
  const at = (pointer: string) => (isApiError(error) ? error.at(pointer) : undefined);
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      onMade(
        await json<IssuedCaller>("POST", "/v1/callers", callerBody(fields), {
          "Idempotency-Key": `${once}-${JSON.stringify(fields).length}`,
        }),
      );
    } catch (told) {
      setError(told);
      setBusy(false);
    }
  };
  const lists = [
    ["connections", "Connections", "crm-*, mail"],
    ["environments", "Environments", "production"],
    ["tenants", "Tenants", "acme"],
    ["methods", "Methods", "GET, HEAD"],
    ["paths", "Paths", "/repos/*"],
  ] as const;
  return (
    <Dialog
      title="New caller"
      about="What is left empty allows everything. Patterns may have * in them, and may name what does not exist yet."
      open
      onClose={onClose}
      wide
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label="Key"
          help="What logs and metrics call it: lower case letters, digits, dots, dashes."
          error={at("/key")}
        >
          {(ties) => (
            <TextInput
              {...ties}
              mono
              required
              autoFocus
              value={fields.key}
              onChange={(event) => set("key", event.target.value)}
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          {lists.map(([name, label, example]) => (
            <Field key={name} label={label} optional error={at(`/${name}`)}>
              {(ties) => (
                <TextInput
                  {...ties}
                  mono
                  placeholder={example}
                  value={fields[name]}
                  onChange={(event) => set(name, event.target.value)}
                />
              )}
            </Field>
          ))}
          <Field label="Requests at most" optional error={at("/rate") ?? at("/rate/requests")}>
            {(ties) => (
              <div className="flex gap-1.5">
                <TextInput
                  {...ties}
                  inputMode="numeric"
                  placeholder="100"
                  value={fields.requests}
                  onChange={(event) => set("requests", event.target.value)}
                />
                <Select
                  aria-label="In what time"
                  className="w-auto"
                  value={fields.per}
                  onChange={(event) => set("per", event.target.value)}
                >
                  <option value="1s">a second</option>
                  <option value="1m">a minute</option>
                  <option value="1h">an hour</option>
                </Select>
              </div>
            )}
          </Field>
        </div>
        <Toggle
          label="For the tenants themselves"
          help="It sees only connections that are exposed, and lists them at GET /-/connections. It has to name its tenants."
          checked={fields.tenant_scoped}
          onChange={(it) => set("tenant_scoped", it)}
        />
        <Failure error={error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            Make it
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}

function Rotate({
  caller,
  onClose,
  onMade,
}: {
  caller: Caller;
  onClose: () => void;
  onMade: (issued: IssuedCaller) => void;
}) {
  const [overlap, setOverlap] = useState("24h");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      onMade(await json<IssuedCaller>("POST", `/v1/callers/${part(caller.key)}/rotate`, { overlap }));
    } catch (told) {
      setError(told);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Another key for ${caller.key}`}
      about={`It has ${count(caller.keys?.length ?? 0, "key")} now. They go on for a while, so that programs can be given the new one without a stop.`}
      open
      onClose={onClose}
    >
      <Field label="The keys before go on for">
        {(ties) => (
          <Select {...ties} value={overlap} onChange={(event) => setOverlap(event.target.value)}>
            <option value="0s">no time: they end at once</option>
            <option value="1h">an hour</option>
            <option value="24h">a day</option>
            <option value="168h">a week</option>
          </Select>
        )}
      </Field>
      <Failure error={error} />
      <Acts>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" busy={busy} onClick={run}>
          Make the key
        </Button>
      </Acts>
    </Dialog>
  );
}
