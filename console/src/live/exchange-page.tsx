import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { api, given } from "~/api/client";
import { isApiError } from "~/api/problem";
import { ButtonLink } from "~/kit/button";
import { Card, Facts, Page, Section } from "~/kit/page";
import { Code, Copy, Moment } from "~/kit/text";
import { Badge, Empty, Failure, Loading, Notice } from "~/kit/told";
import { Phases } from "./bar";
import { Outcome } from "./fault";
import { meaning } from "./meanings";

/** What stands in the log for an answer that nobody waited for. */
const HUNG_UP = 499;

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
        isApiError(error) && error.status === 404 ? (
          <Empty title="It is not kept any more" acts={<ButtonLink to="/live">Go to the live exchanges</ButtonLink>}>
            The last exchanges are kept in memory (<Code>log.recent</Code>), until newer ones take their place or
            attache is started anew. The access log has it under <Code>{id}</Code>.
          </Empty>
        ) : (
          <Failure error={error} again={() => refetch()} />
        )
      ) : !it ? (
        <Loading rows={4} />
      ) : (
        <>
          {it.status === HUNG_UP && (
            <Section>
              <Notice tone="warn" title="The caller hung up before it was answered." />
            </Section>
          )}
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
                  [
                    "Began",
                    <span key="time">
                      <Moment at={it.time} /> <span className="text-dim">({new Date(it.time).toLocaleString()})</span>
                    </span>,
                  ],
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
                      <Link key="k" className="underline" to="/connectors/$key" params={{ key: it.connector }}>
                        {it.connector}
                      </Link>
                    ),
                  ],
                  [
                    "Tenant",
                    it.tenant && (
                      <Link key="t" className="underline" to="/users/$tenant" params={{ tenant: it.tenant }}>
                        {it.tenant}
                      </Link>
                    ),
                  ],
                  ["Environment", it.environment],
                  [
                    "The API's answer",
                    it.upstream_status ? (
                      <Badge key="s">{it.upstream_status}</Badge>
                    ) : it.attempts === 0 ? (
                      "it was not asked"
                    ) : (
                      "it did not answer"
                    ),
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
