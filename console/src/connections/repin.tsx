import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { all, part } from "~/api/pages";
import type { AuthMethodRevision, RepinPreview } from "~/api/schema";
import { Field, Select } from "~/kit/field";
import { ago } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { act } from "./acts";
import { Consequences } from "./consequences";
import { Decide } from "./decide";
import { inserted, said } from "./method/said";
import { type Read, useReadAgain } from "./query";

/** Pins another revision of its auth method: what differs and who is affected is shown first. */
export function RepinConnection({ read, onClose }: { read: Read; onClose: () => void }) {
  const { connection } = read;
  const [revision, setRevision] = useState(connection.latest_revision ?? 1);
  const revisions = useQuery({
    queryKey: ["revisions", connection.connector, connection.auth],
    queryFn: () =>
      all<AuthMethodRevision>(`/v1/connectors/${part(connection.connector)}/auth/${part(connection.auth)}/revisions`),
  });
  const again = useReadAgain();
  const tell = useTell();
  const chosen = revisions.data?.find((it) => it.revision === revision);
  return (
    <Decide<RepinPreview>
      title="Pin another revision"
      about={`It has revision ${connection.revision} of ${connection.auth}. Its credentials stay.`}
      of={[connection.key, revision]}
      preview={() => act<RepinPreview>(connection.key, "repin", { revision }, { dry_run: true })}
      act={(it) => ({
        label: it.breaks.length > 0 ? "Pin it and break these" : `Pin revision ${revision}`,
        danger: it.breaks.length > 0,
        disabled: revision === connection.revision,
      })}
      onAct={async (it) => {
        await act(connection.key, "repin", { revision }, { force: it.breaks.length > 0 });
        tell(`${connection.key} has revision ${revision} now`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          <Field label="Revision">
            {(ties) => (
              <Select {...ties} value={revision} onChange={(event) => setRevision(Number(event.target.value))}>
                {(revisions.data ?? []).map((one) => (
                  <option key={one.revision} value={one.revision}>
                    {one.revision}, made {ago(one.created_at)} by {one.created_by}
                    {one.revision === connection.revision ? " (pinned now)" : ""}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {chosen && <Differences before={connection.auth_method ?? {}} after={chosen} />}
          <Consequences told={{ ...it.uses, breaks: it.breaks }} />
        </>
      )}
    </Decide>
  );
}

/** The settings that are another in one of two methods. */
export function Differences({ before, after }: { before: object; after: object }) {
  const all = (it: object) => new Map([["On requests", inserted(it)], ...said(it)]);
  const [was, is] = [all(before), all(after)];
  const terms = [...new Set([...was.keys(), ...is.keys()])].filter((it) => was.get(it) !== is.get(it));
  if (terms.length === 0) return <p className="text-dim">What goes on requests stays the same.</p>;
  return (
    <ul className="grid gap-1">
      {terms.map((it) => (
        <li key={it}>
          <span className="font-medium">{it}:</span> <del className="text-dim">{was.get(it) ?? "nothing"}</del>{" "}
          <span aria-hidden="true">→</span> <ins className="no-underline">{is.get(it) ?? "nothing"}</ins>
        </li>
      ))}
    </ul>
  );
}
