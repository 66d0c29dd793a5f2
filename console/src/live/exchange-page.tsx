import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { api, given } from "~/api/client";
import { Card, Facts, Page, Section } from "~/kit/page";
import { Code, Copy, Moment } from "~/kit/text";
import { Badge, Failure, Loading, Notice } from "~/kit/told";
import { Phases } from "./bar";
import { meaning, Outcome } from "./fault";

/** One exchange: what it was, what came of it, and where its time went. */
export function ExchangePage() {
  const { id } = useParams({ from: "/live/$id" });
  const {
    data: it,
    error,
    refetch,
  } = useQuery({
    queryKey: ["exchange", id],
    queryFn: () => given(api.GET("/v1/exchanges/{request_id}", { params: { path: { request_id: id } } })),
  });
  return (
    <Page
      title={it ? `${it.method} ${it.path}` : "Exchange"}
      up={{ label: "Live", to: "/live" }}
      mark={it && <Outcome status={it.status} source={it.error_source} />}
    >
      {error ? (
        <Failure error={error} again={() => refetch()} />
      ) : !it ? (
        <Loading rows={4} />
      ) : (
        <>
          {it.error_code && (
            <Section>
              <Notice tone={it.error_source === "caller" ? "warn" : "bad"} title={it.error_code}>
                {meaning(it.error_code)}
              </Notice>
            </Section>
          )}
          <Section title="Where the time went">
            <Card>
              <Phases exchange={it} />
            </Card>
          </Section>
          <Section title="What it was">
            <Card>
              <Facts
                items={[
                  [
                    "Request",
                    <span key="id" className="inline-flex flex-wrap items-center gap-2">
                      <Code>{it.request_id}</Code>
                      <Copy text={it.request_id} />
                    </span>,
                  ],
                  ["Began", <Moment key="time" at={it.time} />],
                  ["Caller", it.caller],
                  [
                    "Connection",
                    it.connection && (
                      <Link key="c" className="underline" to="/live" search={{ connection: it.connection }}>
                        {it.connection}
                      </Link>
                    ),
                  ],
                  [
                    "Connector",
                    it.connector && (
                      <Link key="k" className="underline" to={`/connectors/${it.connector}` as "/connectors"}>
                        {it.connector}
                      </Link>
                    ),
                  ],
                  [
                    "Tenant",
                    it.tenant && (
                      <Link key="t" className="underline" to={`/users/${encodeURIComponent(it.tenant)}` as "/users"}>
                        {it.tenant}
                      </Link>
                    ),
                  ],
                  ["Environment", it.environment],
                  [
                    "The API's answer",
                    it.upstream_status ? <Badge key="s">{it.upstream_status}</Badge> : "it did not answer",
                  ],
                  ["Sent", `${it.attempts === 0 ? "not at all" : it.attempts === 1 ? "once" : `${it.attempts} times`}`],
                  [
                    "Bodies",
                    `${it.bytes_in.toLocaleString("en")} bytes in, ${it.bytes_out.toLocaleString("en")} bytes back`,
                  ],
                  ["HTTP", `${it.http_in} here${it.http_out ? `, ${it.http_out} there` : ""}`],
                ]}
              />
            </Card>
          </Section>
        </>
      )}
    </Page>
  );
}
