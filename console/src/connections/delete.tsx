import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Preview } from "~/api/schema";
import { Field, TextInput } from "~/kit/field";
import { useTell } from "~/kit/toast";
import { remove } from "./acts";
import { Consequences } from "./consequences";
import { Decide } from "./decide";
import { type Read, useReadAgain } from "./query";

/** Deletes it: who uses it is shown first, and what is in use takes its key typed. */
export function DeleteConnection({ read, onClose }: { read: Read; onClose: () => void }) {
  const { key } = read.connection;
  const [typed, setTyped] = useState("");
  const navigate = useNavigate();
  const again = useReadAgain();
  const tell = useTell();
  return (
    <Decide<Preview>
      title={`Delete ${key}?`}
      of={[key]}
      preview={() => remove<Preview>(read, { dry_run: true })}
      act={(it) => ({
        label: it.refused ? "Delete it and break these" : "Delete",
        danger: true,
        disabled: it.refused && typed !== key,
      })}
      onAct={async (it) => {
        await remove(read, { force: it.refused });
        await navigate({ to: "/connections" });
        tell(`${key} is deleted`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          <p>Its credentials are deleted with it, and tokens are ended at the provider where it can do that.</p>
          {it.refused ? (
            <>
              <p className="font-medium text-bad">
                It is in use. Whoever uses it is answered connection_not_found or connector_not_assigned from then on.
              </p>
              <Consequences told={it} />
              <p>Better: replace it by another connection first, everywhere at once.</p>
              <Field label={`Type ${key} to delete it all the same`}>
                {(ties) => (
                  <TextInput {...ties} mono value={typed} onChange={(event) => setTyped(event.target.value)} />
                )}
              </Field>
            </>
          ) : (
            <p>Nobody uses it.</p>
          )}
        </>
      )}
    </Decide>
  );
}
