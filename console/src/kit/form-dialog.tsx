import { type ReactNode, useRef, useState } from "react";
import { json } from "~/api/client";
import { Once } from "~/api/once";
import { isApiError } from "~/api/problem";
import { Button } from "./button";
import { Acts, Dialog } from "./dialog";
import { Failure } from "./told";

interface FormDialogProps<T> {
  title: string;
  about?: ReactNode;
  wide?: boolean;
  /** The verb of what is done. */
  act?: string;
  /** What is sent, and where to: made new unless a version says what is changed. */
  path: string;
  body: unknown;
  method?: "POST" | "PATCH";
  etag?: string | null | undefined;
  onClose: () => void;
  onDone: (made: T) => unknown;
  /** The fields. `at` says what is wrong at a place of the body, given as a JSON pointer. */
  children: (at: (pointer: string) => string | undefined) => ReactNode;
}

/** A few fields and one act of the API: sent once however often it is pressed, open with the reason where it was refused. */
export function FormDialog<T>({
  title,
  about,
  wide,
  act = "Make it",
  path,
  body,
  method = "POST",
  etag,
  onClose,
  onDone,
  children,
}: FormDialogProps<T>) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [once] = useState(() => new Once());
  const isSending = useRef(false);
  const submit = async () => {
    if (isSending.current) return;
    isSending.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await onDone(await json<T>(method, path, body, headersOf(method, once.keyFor(body), etag)));
    } catch (told) {
      setError(told);
      setBusy(false);
    } finally {
      isSending.current = false;
    }
  };
  return (
    <Dialog title={title} about={about} open onClose={onClose} {...(wide && { wide })}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children((pointer) => (isApiError(error) ? error.at(pointer) : undefined))}
        <Failure error={error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            {act}
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}

function headersOf(method: string, key: string, etag: string | null | undefined): Record<string, string> {
  if (method === "POST") return { "Idempotency-Key": key };
  return { "Content-Type": "application/merge-patch+json", ...(etag && { "If-Match": etag }) };
}
