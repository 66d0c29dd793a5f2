import type { Change, ConnectionPatch } from "~/api/schema";
import { useTell } from "~/kit/toast";
import { patch } from "./acts";
import { Consequences } from "./consequences";
import { Decide } from "./decide";
import { type Read, useReadAgain } from "./query";

/** Switches it off: who is refused from then on is shown first. */
export function DisableConnection({ read, onClose }: { read: Read; onClose: () => void }) {
  const { key } = read.connection;
  const off = { enabled: false } as ConnectionPatch;
  const again = useReadAgain();
  const tell = useTell();
  return (
    <Decide<Change>
      title={`Switch ${key} off?`}
      of={[key, read.connection.version]}
      preview={() => patch<Change>(read, off, { dry_run: true })}
      act={(it) => ({ label: "Switch it off", danger: it.total > 0 })}
      onAct={async (it) => {
        // Whoever was not shown is not broken: then it is refused, and looked at again.
        await patch(read, off, { force: it.total > 0 });
        tell(`${key} is off`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          <p>Its requests are answered connection_disabled, until it is switched on again. Nothing is deleted.</p>
          {it.total === 0 ? <p>Nobody uses it.</p> : <Consequences told={{ uses: it.uses, total: it.total }} />}
        </>
      )}
    </Decide>
  );
}
