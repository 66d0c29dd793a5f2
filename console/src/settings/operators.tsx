import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import type { IssuedToken, Role, Token } from "~/api/schema";
import { sessionQuery, useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Choices, Field, Select, TextInput } from "~/kit/field";
import { FormDialog } from "~/kit/form-dialog";
import { Issued } from "~/kit/issued";
import { List } from "~/kit/list";
import { Card, Facts, Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty } from "~/kit/told";
import { Sessions } from "./sessions";
import { SettingsPage } from "./settings-page";

const ROLES: { value: Role; label: string; help: string }[] = [
  { value: "viewer", label: "Viewer", help: "Reads everything but credentials, which nobody reads." },
  { value: "operator", label: "Operator", help: "Changes everything but operators' tokens." },
  { value: "admin", label: "Admin", help: "Makes and withdraws operators' tokens as well." },
];

/** Who may use the console and the API. */
export function OperatorsPage() {
  const [making, setMaking] = useState(false);
  const [issued, setIssued] = useState<IssuedToken>();
  const [ending, setEnding] = useState<Token>();
  const { data: session } = useQuery(sessionQuery);
  const query = useInfiniteQuery(listQuery<Token>("/v1/tokens"));
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("admin");
  const isOwn = session?.operator?.via === "token" && session.operator.name === ending?.key;
  const again = () => queries.invalidateQueries({ queryKey: ["list", "/v1/tokens"] });
  return (
    <SettingsPage
      title="Operators"
      about="Whoever uses this console or the API, each by a token of their own, or by the organisation's sign-in."
      acts={
        mayAct && (
          <Button kind="primary" onClick={() => setMaking(true)}>
            New token
          </Button>
        )
      }
    >
      <Section title="You">
        <Card>
          <Facts
            items={[
              ["Signed in as", session?.operator?.name],
              ["Role", session?.operator?.role],
              ["By", session?.operator?.via === "oidc" ? (session.oidc?.name ?? "OpenID Connect") : "a token"],
              ["Until", session?.expires_at && <Moment key="until" at={session.expires_at} />],
              [
                "Others sign in with",
                session?.oidc
                  ? `${session.oidc.name}, or a token`
                  : "a token (server.admin.oidc adds the organisation's own sign-in)",
              ],
            ]}
          />
        </Card>
      </Section>
      <Section title="Tokens">
        <List
          query={query}
          empty={
            <Empty title="No tokens but the one in the configuration">
              Give each person and each program one of its own: changes are recorded under its name, and each can be
              withdrawn by itself.
            </Empty>
          }
        >
          {(items) => (
            <Table
              label="Operators' tokens"
              rows={items}
              keyOf={(it) => it.key}
              columns={[
                { head: "Name", cell: (it) => <strong className="font-medium">{it.key}</strong> },
                { head: "Role", cell: (it) => <Badge tone={it.role === "admin" ? "warn" : "dim"}>{it.role}</Badge> },
                { head: "Begins with", cell: (it) => <Code>{`${it.prefix}…`}</Code> },
                { head: "Made", narrow: "hide", cell: (it) => <Moment at={it.created_at} /> },
                {
                  head: "Ends",
                  cell: (it) =>
                    it.expires_at && hasEnded(it.expires_at) ? (
                      <Badge tone="warn">
                        ended <Moment at={it.expires_at} />
                      </Badge>
                    ) : it.expires_at ? (
                      <Moment at={it.expires_at} />
                    ) : (
                      <span className="text-dim">never</span>
                    ),
                },
                {
                  head: "",
                  narrow: "bare",
                  align: "right",
                  cell: (it) =>
                    mayAct && (
                      <Button onClick={() => setEnding(it)} aria-label={`Withdraw ${it.key}`}>
                        Withdraw
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </List>
      </Section>
      {mayAct && <Sessions />}
      {making && (
        <NewToken
          onClose={() => setMaking(false)}
          onDone={async (it) => {
            setMaking(false);
            setIssued(it);
            await again();
          }}
        />
      )}
      <Confirm
        title={`Withdraw the token ${ending?.key}?`}
        act="Withdraw it"
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        onAct={async () => {
          if (!ending) return;
          await json("DELETE", `/v1/tokens/${part(ending.key)}`);
          await again();
          tell(`The token ${ending.key} is withdrawn`);
        }}
      >
        {isOwn
          ? "It is yours: you are signed out at once, and it opens nothing any more."
          : "Whoever uses it is answered 401 from now on, and is signed out of the console."}
      </Confirm>
      {issued && (
        <Issued
          title={`The token ${issued.key}`}
          label="Operator token"
          secret={issued.token}
          onClose={() => setIssued(undefined)}
        />
      )}
    </SettingsPage>
  );
}

function hasEnded(at: string): boolean {
  return new Date(at).getTime() <= Date.now();
}

const LIVES = [
  ["", "it is withdrawn"],
  ["1", "a day from now"],
  ["30", "30 days from now"],
  ["90", "90 days from now"],
  ["365", "a year from now"],
] as const;

function NewToken({ onClose, onDone }: { onClose: () => void; onDone: (issued: IssuedToken) => unknown }) {
  const [key, setKey] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const [days, setDays] = useState("90");
  const [now] = useState(Date.now);
  const ends = days && { expires_at: new Date(now + Number(days) * 86_400_000).toISOString() };
  return (
    <FormDialog<IssuedToken>
      title="New operator token"
      path="/v1/tokens"
      body={{ key, role, ...(ends || {}) }}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <>
          <Field label="Name" help="Who or what it is for: changes are recorded under it." error={at("/key")}>
            {(ties) => (
              <TextInput
                {...ties}
                mono
                required
                autoFocus
                placeholder="ann"
                value={key}
                onChange={(event) => setKey(event.target.value)}
              />
            )}
          </Field>
          <Choices label="Role" value={role} options={ROLES} onChange={setRole} />
          <Field label="Good until" error={at("/expires_at")}>
            {(ties) => (
              <Select {...ties} value={days} onChange={(event) => setDays(event.target.value)}>
                {LIVES.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </>
      )}
    </FormDialog>
  );
}
