import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Tried, TriedSent } from "~/api/schema";
import { Button } from "~/kit/button";
import { Card } from "~/kit/page";
import { Tabs } from "~/kit/tabs";
import { CodeBlock, Copy } from "~/kit/text";
import { Badge, Notice } from "~/kit/told";
import { Phases } from "~/live/bar";
import { meaning, Outcome } from "~/live/fault";
import { connectionPage, exchangePage } from "../elsewhere";
import { Json } from "./json";
import { pretty } from "./request";
import { advice, injected, shownBody, size } from "./tried";

/** What came of a request: the answer, where the time went, and what attache put on. */
export function Answer({ tried, connection }: { tried: Tried; connection: string }) {
  const [tab, setTab] = useState("body");
  const tabs = [
    { value: "body", label: "Body", content: <Body tried={tried} /> },
    { value: "headers", label: "Headers", count: tried.headers.length, content: <Headers tried={tried} /> },
    {
      value: "sent",
      label: "What was sent",
      content: tried.sent ? (
        <SentHead sent={tried.sent} />
      ) : (
        <p className="text-[13px] text-dim">Nothing went to the API: attache answered itself.</p>
      ),
    },
    { value: "curl", label: "curl", content: <Curl line={tried.curl} /> },
  ];
  return (
    <Card className="grid gap-4">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <div className="flex flex-wrap items-center gap-3 text-[13px]">
          <Outcome status={tried.status} source={tried.exchange.error_source} />
          <span className="text-dim">
            {size(tried.bytes)}
            {tried.http_version && `, HTTP/${tried.http_version}`}
            {tried.exchange.attempts > 1 && `, ${tried.exchange.attempts} attempts`}
          </span>
        </div>
        <Link {...exchangePage(tried.request_id)} className="text-[13px] text-accent underline">
          In the live log
        </Link>
      </div>
      <Why tried={tried} connection={connection} />
      {tried.sent && <PutOn sent={tried.sent} onShow={() => setTab("sent")} />}
      <Phases exchange={tried.exchange} />
      <Tabs label="Of the answer" value={tab} onChange={setTab} tabs={tabs} />
    </Card>
  );
}

/** Why it failed, in plain words, and what to do. */
function Why({ tried, connection }: { tried: Tried; connection: string }) {
  const look = (
    <Link {...connectionPage(connection)} className="font-medium text-ink underline">
      Open the connection
    </Link>
  );
  if (tried.error) {
    return (
      <Notice tone="bad" title={meaning(tried.error.code) ?? tried.error.detail} acts={look}>
        {meaning(tried.error.code) && <p>{tried.error.detail}</p>}
        <p className="text-xs text-dim">Error code {tried.error.code}: attache answered this itself, not the API.</p>
      </Notice>
    );
  }
  const words = advice(tried);
  return words ? (
    <Notice tone="warn" acts={look}>
      {words}
    </Notice>
  ) : null;
}

function PutOn({ sent, onShow }: { sent: TriedSent; onShow: () => void }) {
  const names = injected(sent);
  return (
    <p className="flex flex-wrap items-center gap-1.5 text-[13px]">
      {names.length === 0 ? (
        <span className="text-dim">attache put no credential on it.</span>
      ) : (
        <>
          <span className="text-dim">attache put the credential in</span>
          {names.map((it) => (
            <Badge key={it} tone="info">
              {it}
            </Badge>
          ))}
          <button type="button" className="min-h-6 text-accent underline" onClick={onShow}>
            Show the request
          </button>
        </>
      )}
    </p>
  );
}

function Body({ tried }: { tried: Tried }) {
  const [isRaw, setIsRaw] = useState(false);
  const shown = shownBody(tried);
  const cut = tried.truncated && (
    <Notice tone="warn">Only the beginning is shown: the answer is longer than 1 MiB, or broke off.</Notice>
  );
  switch (shown.kind) {
    case "none":
      return <p className="text-[13px] text-dim">{shown.words}</p>;
    case "binary":
      return (
        <div className="grid gap-3">
          {cut}
          <p className="text-[13px]">
            {/^image\//.test(shown.type) ? "An image" : "No text"}
            {shown.type && ` (${shown.type})`}, {size(tried.bytes)}.
          </p>
          {!tried.truncated && (
            <div>
              <Button onClick={() => save(shown.base64, shown.type)}>Save it</Button>
            </div>
          )}
        </div>
      );
    case "text":
      return (
        <div className="grid gap-3">
          {cut}
          <CodeBlock label="Body of the answer" text={shown.text} />
        </div>
      );
    case "json":
      return (
        <div className="grid gap-2">
          <div className="flex gap-2">
            <Button className="min-h-7! px-2 text-xs" aria-pressed={isRaw} onClick={() => setIsRaw(!isRaw)}>
              {isRaw ? "Folded" : "As text"}
            </Button>
            {!isRaw && <Copy text={pretty(shown.text) ?? shown.text} />}
          </div>
          {isRaw ? (
            <CodeBlock label="Body of the answer" text={pretty(shown.text) ?? shown.text} />
          ) : (
            <section
              aria-label="Body of the answer"
              tabIndex={0}
              className="max-h-[36rem] overflow-auto rounded-lg border border-line p-2"
            >
              <Json value={shown.value} />
            </section>
          )}
        </div>
      );
  }
}

/** Hands a body over as a file of the browser's own. */
function save(base64: string, type: string) {
  const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `answer.${type.split("/")[1]?.replace(/[^a-z0-9]/gi, "") || "bin"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function Headers({ tried }: { tried: Tried }) {
  return (
    <dl className="grid gap-1 font-mono text-xs">
      {tried.headers.map(([name, value], at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a name may come twice, and the list never changes
        <div key={`${name} ${at}`} className="break-all">
          <dt className="inline text-dim">{name}: </dt>
          <dd className="inline">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The request as it went to the API, with what attache put on marked; secrets are never shown. */
function SentHead({ sent }: { sent: TriedSent }) {
  return (
    <div className="grid gap-2">
      <p className="font-mono text-xs break-all">
        <span className="font-semibold">{sent.method}</span> {sent.url}
      </p>
      <dl className="grid gap-1 font-mono text-xs">
        {sent.headers.map((it, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a name may come twice, and the list never changes
          <div key={`${it.name} ${at}`} className={it.injected ? "rounded bg-accent-soft px-1.5 py-0.5" : "px-1.5"}>
            <dt className="inline text-dim">{it.name}: </dt>
            <dd className="inline break-all">
              {it.value} {it.injected && <span className="font-sans font-medium text-accent">put on by attache</span>}
            </dd>
          </div>
        ))}
      </dl>
      <p className="text-xs text-dim">Credentials stand as •••• here: attache shows them to nobody.</p>
    </div>
  );
}

function Curl({ line }: { line: string }) {
  return (
    <div className="grid gap-2">
      <CodeBlock label="The same request by curl" text={line} />
      <p className="text-xs text-dim">
        The same through attache's proxy, as your program sends it: put a caller's key into ATTACHE_KEY first.{" "}
        <Link to="/settings" className="text-accent underline">
          Make a caller
        </Link>{" "}
        if there is none.
      </p>
    </div>
  );
}
