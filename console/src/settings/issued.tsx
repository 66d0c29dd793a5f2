import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { CodeBlock } from "~/kit/text";
import { Notice } from "~/kit/told";

interface IssuedProps {
  title: string;
  /** What was made, and is told this once. */
  secret: string;
  label: string;
  /** A line to paste that uses it. */
  example?: string;
  onClose: () => void;
}

/** A key or a token that was just made: nobody can show it again, attache neither. */
export function Issued({ title, secret, label, example, onClose }: IssuedProps) {
  return (
    <Dialog title={title} open onClose={onClose}>
      <div className="grid gap-3">
        <Notice tone="warn">
          It is shown this once: attache keeps only a hash of it. Put it where your secrets are.
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
