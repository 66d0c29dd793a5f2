import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { part } from "~/api/pages";
import type { AuthMethodRevision, Connector, ConnectorAuthMethod, Preview } from "~/api/schema";
import { useMay } from "~/api/session";
import { inserted } from "~/connections/method/said";
import { typeName, typeOf } from "~/connections/method/types";
import { Button, ButtonLink } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { Card } from "~/kit/page";
import { Code, count, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty, Failure, Loading } from "~/kit/told";
import { WouldBreak } from "./affected";
import { ifMatch, revisionsQuery } from "./data";
import { connectionPage } from "./elsewhere";
import { usePreview } from "./preview";

/** How the API authenticates: each method with its revisions and who pins them. */
export function MethodsPart({ connector }: { connector: Connector }) {
  const mayChange = useMay("operator");
  const methods = Object.entries(connector.auth ?? {});
  const isOwn = mayChange && !connector.source;
  const add = isOwn && (
    <ButtonLink
      kind={methods.length === 0 ? "primary" : "plain"}
      to="/connectors/$key/new-auth"
      params={{ key: connector.key }}
    >
      Add an auth method
    </ButtonLink>
  );
  if (methods.length === 0) {
    return (
      <Empty title="No auth method yet" acts={add}>
        How the API wants to be authenticated with: a key in a header, OAuth 2.0, a signature. It can be added here, or
        with the first connection.
      </Empty>
    );
  }
  return (
    <div className="grid gap-3">
      <p className="max-w-3xl text-[13px] text-dim">
        A change makes another revision. Connections keep the one that they were made with until somebody re-pins them,
        so that an edit here breaks none.
      </p>
      {methods.map(([key, it]) => (
        <MethodCard key={key} connector={connector} method={key} settings={it} isOwn={isOwn} />
      ))}
      <div>{add}</div>
    </div>
  );
}

interface CardProps {
  connector: Connector;
  method: string;
  settings: ConnectorAuthMethod;
  isOwn: boolean;
}

function MethodCard({ connector, method, settings, isOwn }: CardProps) {
  const [isDeleting, setIsDeleting] = useState(false);
  const revisions = useQuery(revisionsQuery(connector.key, method));
  return (
    <Card className="grid gap-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 flex-1 basis-72">
          <h2 className="flex flex-wrap items-center gap-2 text-[15px] font-semibold">
            {settings.name || method} <Badge tone="info">{typeName(typeOf(settings))}</Badge>
            {settings.revision !== undefined && <Badge>revision {settings.revision}</Badge>}
          </h2>
          <p className="text-xs text-dim">{method}</p>
          {settings.description && <p className="mt-1 text-[13px] text-dim">{settings.description}</p>}
          <p className="mt-1 font-mono text-xs">{inserted(settings)}</p>
        </div>
        {isOwn && (
          <div className="flex flex-wrap gap-2">
            <Button onClick={() => setIsDeleting(true)} aria-label={`Delete ${settings.name || method}`}>
              Delete
            </Button>
            <ButtonLink
              to="/connectors/$key/auth/$method"
              params={{ key: connector.key, method }}
              aria-label={`Edit ${settings.name || method}`}
            >
              Edit
            </ButtonLink>
          </div>
        )}
      </div>
      {revisions.isPending && <Loading rows={1} />}
      {revisions.isError && <Failure error={revisions.error} again={revisions.refetch} />}
      {revisions.data && <Revisions revisions={revisions.data} />}
      <DeleteMethod connector={connector} method={method} open={isDeleting} onClose={() => setIsDeleting(false)} />
    </Card>
  );
}

/** The newest and those that somebody pins; the others are behind a fold. */
function Revisions({ revisions }: { revisions: AuthMethodRevision[] }) {
  const isPlain = (it: AuthMethodRevision, at: number) => at === 0 || it.connections_total > 0;
  const old = revisions.filter((it, at) => !isPlain(it, at));
  if (revisions.length === 0) return <p className="text-xs text-dim">It follows its file: no revision is kept yet.</p>;
  return (
    <div className="border-t border-line pt-2.5 text-[13px]">
      <ul className="grid gap-1.5">
        {revisions.filter(isPlain).map((it) => (
          <Revision key={it.revision} revision={it} isNewest={it === revisions[0]} />
        ))}
      </ul>
      {old.length > 0 && (
        <details className="mt-1.5">
          <summary className="min-h-6 text-dim">{count(old.length, "older revision")} that nobody pins</summary>
          <ul className="mt-1.5 grid gap-1.5">
            {old.map((it) => (
              <Revision key={it.revision} revision={it} isNewest={false} />
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** Connections that are named of a revision, before the rest is counted. */
const NAMED = 8;

function Revision({ revision, isNewest }: { revision: AuthMethodRevision; isNewest: boolean }) {
  const named = revision.connections.slice(0, NAMED);
  const others = revision.connections_total - named.length;
  return (
    <li>
      <span className="font-medium">Revision {revision.revision}</span>
      {isNewest && <span className="text-dim">, the newest</span>}
      <span className="text-dim">
        , <Moment at={revision.created_at} /> by {revision.created_by}.{" "}
        {named.length === 0 ? "Nobody pins it." : "Pinned by "}
      </span>
      {named.map((it, at) => (
        <span key={it}>
          {at > 0 && ", "}
          <Link {...connectionPage(it)} className="underline">
            {it}
          </Link>
        </span>
      ))}
      {others > 0 && <span className="text-dim"> and {count(others, "other")}</span>}
      {!isNewest && (
        <span className="block">
          <Code>{inserted(revision)}</Code>
        </span>
      )}
    </li>
  );
}

function DeleteMethod(props: { connector: Connector; method: string; open: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const tell = useTell();
  const path = `/v1/connectors/${part(props.connector.key)}/auth/${part(props.method)}`;
  const preview = usePreview<Preview>("DELETE", path, props.open);
  const isUsed = preview.data?.refused ?? false;
  const remove = async () => {
    await json("DELETE", isUsed ? `${path}?force=true` : path, undefined, ifMatch(props.connector));
    await queries.invalidateQueries({ queryKey: ["connector", props.connector.key] });
    tell(`The auth method ${props.method} is deleted.`);
  };
  return (
    <Confirm
      title={`Delete the auth method ${props.method}?`}
      act={isUsed ? "Delete it all the same" : "Delete it"}
      open={props.open}
      onClose={props.onClose}
      onAct={remove}
    >
      {preview.isPending && <Loading rows={1} />}
      <Failure error={preview.error} />
      {preview.data && (
        <>
          <WouldBreak preview={preview.data} what={props.method} />
          {isUsed && (
            <p className="mt-2">
              These connections go on with the revision that they pin. No new connection can use it, and none can be
              re-pinned.
            </p>
          )}
        </>
      )}
    </Confirm>
  );
}
