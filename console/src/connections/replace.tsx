import { useState } from "react";
import type { Replaced } from "~/api/schema";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Code, count } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Notice } from "~/kit/told";
import { act } from "./acts";
import { UseList } from "./consequences";
import { Decide } from "./decide";
import { PickConnection } from "./pick-connection";
import { type Read, useReadAgain } from "./query";

/** Puts another connection wherever this one is assigned, in one act. */
export function ReplaceConnection({ read, onClose }: { read: Read; onClose: () => void }) {
  const { connection } = read;
  const [other, setOther] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const again = useReadAgain();
  const tell = useTell();
  if (!chosen) {
    return (
      <Dialog
        title="Replace it everywhere by"
        about="All environments that have it get the other one."
        open
        onClose={onClose}
      >
        <PickConnection connector={connection.connector} but={connection.key} value={other} onPick={setOther} />
        <Acts>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button kind="primary" disabled={!other} onClick={() => setChosen(other)}>
            See what changes
          </Button>
        </Acts>
      </Dialog>
    );
  }
  return (
    <Decide<Replaced>
      title={`Replace ${connection.key} by ${chosen}?`}
      of={[connection.key, chosen]}
      preview={() => act<Replaced>(connection.key, "replace", { with: chosen }, { dry_run: true })}
      act={(it) => ({
        label: `Replace it in ${count(it.environments.length, "environment")}`,
        disabled: it.environments.length === 0,
      })}
      onAct={async () => {
        const done = await act<Replaced>(connection.key, "replace", { with: chosen });
        tell(`${count(done.environments.length, "environment has", "environments have")} ${chosen} now`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          <p>From the next request on, these have {chosen}:</p>
          <ul className="flex flex-wrap gap-1.5">
            {it.environments.map((one) => (
              <li key={one}>
                <Code>{one}</Code>
              </li>
            ))}
          </ul>
          {it.environments.length === 0 && <p className="text-dim">None: no environment has it.</p>}
          {it.left.length > 0 && (
            <Notice tone="warn" title="These are declared in files, and are changed there">
              <UseList uses={it.left} />
            </Notice>
          )}
        </>
      )}
    </Decide>
  );
}
