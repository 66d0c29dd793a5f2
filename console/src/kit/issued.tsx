import type { ReactNode } from "react";
import { Button } from "./button";
import { Acts, Dialog } from "./dialog";
import { CodeBlock } from "./text";
import { Notice } from "./told";

interface IssuedProps {
  title: string;
  /** What was made, and is told this once. */
  secret: string;
  label: string;
  /** Why it can't be shown again, and what it is for. */
  children?: ReactNode;
  /** A line to paste that uses it. */
  example?: string;
  onClose: () => void;
}

/** A key, a token or a secret that was just made: it goes where it is put away, and not by a click beside it. */
export function Issued({ title, secret, label, children, example, onClose }: IssuedProps) {
  return (
    <Dialog title={title} open firm onClose={onClose}>
      <div className="grid gap-3">
        <Notice tone="warn">
          It is shown this once{children ?? ": attache keeps only a hash of it. Put it where your secrets are."}
        </Notice>
        <CodeBlock text={secret} label={label} />
        {example && (
          <>
            <p className="text-[13px]">To try it:</p>
            <CodeBlock text={example} label="A line to try it with" />
          </>
        )}
      </div>
      <Acts>
        <Button kind="primary" onClick={onClose}>
          I have kept it
        </Button>
      </Acts>
    </Dialog>
  );
}
