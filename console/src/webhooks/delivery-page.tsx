import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, given, json } from "~/api/client";
import { onceKey } from "~/api/once";
import { part } from "~/api/pages";
import type { Delivery, DeliveryInFull } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button, ButtonLink } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Card, Facts, Page, Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, CodeBlock, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { duration } from "~/live/phases";
import { readable } from "./body";
import { codeLine, Verdict, verdictOf } from "./verdict";

/** One delivery: what came, what became of it, and sending it again. */
export function DeliveryPage() {
  const { id } = useParams({ from: "/webhooks/deliveries/$id" });
  const [asking, setAsking] = useState(false);
  // One question, one replay: where the answer to it was lost, the next press asks for that answer.
  const [once, setOnce] = useState(onceKey);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const {
    data: it,
    error,
    refetch,
  } = useQuery({
    queryKey: ["delivery", id],
    queryFn: () => given(api.GET("/v1/deliveries/{delivery}", { params: { path: { delivery: id } } })),
  });
  return (
    <Page
      title={it ? `Delivery to ${it.connection}` : "Delivery"}
      up={{ label: "Deliveries", to: "/webhooks", search: { tab: "deliveries" } }}
      mark={it && <Verdict verdict={it.verdict} />}
      about={it && (codeLine(it.code) ?? verdictOf(it.verdict).line)}
      acts={
        it &&
        mayAct && (
          <>
            <ButtonLink to="/webhooks" search={{ tab: "verifier", connection: it.connection }}>
              Open the verifier
            </ButtonLink>
            <Button
              kind="primary"
              disabled={!it.can_replay}
              aria-describedby={it.can_replay ? undefined : "why-not"}
              onClick={() => {
                setOnce(onceKey());
                setAsking(true);
              }}
            >
              Replay
            </Button>
          </>
        )
      }
    >
      {it && mayAct && !it.can_replay && (
        <p id="why-not" className="mb-4 text-[13px] text-dim">
          It can't be replayed:{" "}
          {it.verdict === "refused" ? "it was not verified, and is not kept." : "not all of it is kept."}
        </p>
      )}
      {error ? <Failure error={error} again={() => refetch()} /> : !it ? <Loading rows={5} /> : <Shown delivery={it} />}
      <Confirm
        title="Send it again?"
        act="Replay"
        danger={false}
        open={asking}
        onClose={() => setAsking(false)}
        onAct={async () => {
          const made = await json<Delivery>("POST", `/v1/deliveries/${part(id)}/replay`, undefined, {
            "Idempotency-Key": once,
          });
          await queries.invalidateQueries({ queryKey: ["list", "/v1/deliveries"] });
          tell(`Sent again: ${verdictOf(made.verdict).word.toLowerCase()}`);
          await navigate({ to: "/webhooks/deliveries/$id", params: { id: made.id } });
        }}
      >
        The same request goes to the connection's target as it is now, with <Code>Attache-Webhook-Replayed: true</Code>,
        even if the target took it before: what it does, it does twice.
      </Confirm>
    </Page>
  );
}

/** With headers as a list of names and values, whatever their lengths are said to be. */
type Full = Omit<DeliveryInFull, "headers"> & { headers?: (string | null)[][] | null };

function Shown({ delivery: it }: { delivery: Full }) {
  const body = readable(it);
  return (
    <>
      {it.replay_of && (
        <Section>
          <Notice>
            This is a replay of{" "}
            <Link to="/webhooks/deliveries/$id" params={{ id: it.replay_of }} className="underline">
              {it.replay_of}
            </Link>
            .
          </Notice>
        </Section>
      )}
      <Section>
        <Card>
          <Facts
            items={[
              ["Came", <Moment key="time" at={it.time} />],
              [
                "Connection",
                <Link key="c" className="underline" to="/connections/$key" params={{ key: it.connection }}>
                  {it.connection}
                </Link>,
              ],
              ["Tenant", it.tenant],
              ["Request", <Code key="path">{`${it.method} ${it.path}`}</Code>],
              ["Sender's id", it.webhook_id && <Code key="id">{it.webhook_id}</Code>],
              ["Sender was answered", `${it.status}${it.code ? `, ${it.code}` : ""}`],
              [
                "Target answered",
                it.target_status
                  ? String(it.target_status)
                  : it.verdict === "failed"
                    ? "it did not answer"
                    : "it was not asked",
              ],
              ["Took", duration(it.ms)],
            ]}
          />
        </Card>
      </Section>
      {it.headers && it.headers.length > 0 && (
        <Section title="Headers">
          <Table
            label="Headers"
            rows={it.headers.map(([name, value], at) => ({
              at,
              name: String(name),
              value: value === null || value === undefined ? undefined : String(value),
            }))}
            keyOf={(row) => String(row.at)}
            columns={[
              { head: "Name", cell: (row) => <Code>{row.name}</Code> },
              {
                head: "Value",
                cell: (row) =>
                  row.value === undefined ? (
                    <span className="text-dim">not kept</span>
                  ) : (
                    <span className="font-mono text-xs break-all">{row.value}</span>
                  ),
              },
            ]}
          />
        </Section>
      )}
      <Section title={`Body, ${it.bytes.toLocaleString("en")} bytes`}>
        {body ? (
          <>
            {(it.body === undefined || it.body === null) && (
              <p className="mb-1 text-[13px] text-dim">It is no text: here it is in Base64.</p>
            )}
            <CodeBlock text={body} label="Body" />
          </>
        ) : (
          <p className="text-dim">
            {it.bytes === 0
              ? "There was none."
              : "It is not kept: it was not verified, or is longer than what is kept."}
          </p>
        )}
      </Section>
    </>
  );
}
