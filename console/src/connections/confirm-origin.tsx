import type { Change, Confirmed } from "~/api/schema";
import { Code } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { act, patch } from "./acts";
import { Consequences } from "./consequences";
import { Decide } from "./decide";
import { type Read, useReadAgain } from "./query";

/** Lets stored credentials go to where the connection leads now: both places are shown first. */
export function ConfirmOrigin({ read, onClose }: { read: Read; onClose: () => void }) {
  const { key } = read.connection;
  const again = useReadAgain();
  const tell = useTell();
  const moved = (change: Change) => change.moves.find((it) => it.connection === key);
  return (
    <Decide<Change>
      title="Send the credentials to the new place?"
      about="They were entered for another one. Whoever answers at the new place will have them."
      of={[key, read.connection.version]}
      preview={() => patch<Change>(read, {}, { dry_run: true })}
      act={(it) => ({ label: "Send them there", danger: true, disabled: moved(it) === undefined })}
      onAct={async (it) => {
        await act<Confirmed>(key, "confirm", moved(it)?.to);
        tell("The credentials are used again");
        void again();
      }}
      onClose={onClose}
    >
      {(it) => {
        const move = moved(it);
        if (!move) return <p>There is nothing to confirm: enter the credentials anew.</p>;
        return (
          <>
            <p>
              Entered for <Code>{move.from.origins.join(", ") || "nowhere known"}</Code>
            </p>
            <p>
              Leads now to <Code>{move.to.origins.join(", ")}</Code>
            </p>
            <p>If you don't know why it leads elsewhere, don't confirm: somebody may want to have the credentials.</p>
            <Consequences told={{ uses: it.uses, total: it.total }} />
          </>
        );
      }}
    </Decide>
  );
}
