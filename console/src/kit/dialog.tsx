import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { useRef, useState } from "react";
import { Button } from "./button";
import { Failure } from "./told";

interface DialogProps {
  title: string;
  about?: ReactNode;
  open: boolean;
  onClose: () => void;
  wide?: boolean;
  /** It goes by its own buttons alone: what it shows can't be had again. */
  firm?: boolean;
  children: ReactNode;
}

/** What was used before the last dialog opened: one that follows another leads back to the same place. */
let lastOpener: Element | null = null;

/** What opened a dialog, told while it opens: from then on the focus is in it. */
function useOpener(open: boolean) {
  const opener = useRef<Element | null>(null);
  const wasOpen = useRef(false);
  if (open && !wasOpen.current) {
    const active = document.activeElement;
    if (!active?.closest("[role=dialog]")) lastOpener = active;
    opener.current = lastOpener;
  }
  wasOpen.current = open;
  return opener;
}

/** A question that has to be answered before anything else. On a narrow screen it takes all of it. */
export function Dialog({ title, about, open, onClose, wide, firm, children }: DialogProps) {
  const opener = useOpener(open);
  const content = useRef<HTMLDivElement>(null);
  const isWaiting = () => content.current?.closest("[hidden]") !== null;
  return (
    <Radix.Root open={open} onOpenChange={(it) => !it && onClose()}>
      <Radix.Portal container={document.querySelector<HTMLElement>("[data-dialogs]")}>
        {/* Not Radix's own overlay: that one writes a style sheet, which the Content-Security-Policy forbids. */}
        <div
          data-overlay=""
          className="fixed inset-0 z-40 grid place-items-center overflow-y-auto bg-black/45 p-0 sm:p-6"
        >
          <Radix.Content
            ref={content}
            onOpenAutoFocus={(event) => {
              const first = content.current?.querySelector<HTMLElement>(
                ":is(input, select, textarea):not(:disabled, [type=hidden], [hidden])",
              );
              if (!first) return;
              event.preventDefault();
              first.focus();
            }}
            // Radix leads back to a trigger of its own, which there is none of.
            onCloseAutoFocus={(event) => {
              event.preventDefault();
              if (opener.current instanceof HTMLElement) opener.current.focus();
            }}
            // What has been typed is not lost to a slip of the hand; nor while the page waits for a sign-in.
            onInteractOutside={(event) => {
              if (firm || isWaiting() || content.current?.querySelector("input, select, textarea"))
                event.preventDefault();
            }}
            onEscapeKeyDown={(event) => (firm || isWaiting()) && event.preventDefault()}
            className={`appear relative w-full bg-panel p-5 shadow-xl max-sm:min-h-dvh sm:rounded-2xl sm:p-6 ${wide ? "sm:max-w-3xl" : "sm:max-w-lg"}`}
            {...(about ? {} : { "aria-describedby": undefined })}
          >
            <Radix.Title className="pr-8 text-lg font-semibold">{title}</Radix.Title>
            {about && <Radix.Description className="mt-1 text-[13px] text-dim">{about}</Radix.Description>}
            <Radix.Close asChild>
              <Button kind="quiet" aria-label="Close" className="absolute top-3 right-3 size-9 px-0 text-lg">
                ×
              </Button>
            </Radix.Close>
            <div className="mt-4">{children}</div>
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** The buttons below a form or a question, the main one last. */
export function Acts({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}

interface ConfirmProps {
  title: string;
  /** What it will break, in words: never "Are you sure?". */
  children: ReactNode;
  /** The verb of what is done. */
  act: string;
  /** For what can't be undone and breaks much: it has to be typed. */
  type?: string | undefined;
  danger?: boolean;
  /** Whether what it will break is known by now. */
  ready?: boolean;
  open: boolean;
  onClose: () => void;
  onAct: () => Promise<unknown>;
}

/** Asks before something that breaks something, and stays open with the reason where it was refused. */
export function Confirm({
  title,
  children,
  act,
  type,
  danger = true,
  ready = true,
  open,
  onClose,
  onAct,
}: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const close = () => {
    setTyped("");
    setError(undefined);
    onClose();
  };
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await onAct();
      close();
    } catch (told) {
      setError(told);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} open={open} onClose={close}>
      <div className="grid gap-3">
        <div className="text-[13px]">{children}</div>
        {type && (
          <label className="grid gap-1 text-[13px]">
            <span>
              Type <strong>{type}</strong> to go on
            </span>
            <input
              className="min-h-9 rounded-lg border border-line bg-panel px-2.5 font-mono text-[13px] max-sm:text-base"
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
        )}
        <Failure error={error} />
      </div>
      <Acts>
        <Button onClick={close}>Keep it as it is</Button>
        <Button
          kind={danger ? "danger" : "primary"}
          busy={busy}
          disabled={!ready || (type !== undefined && typed !== type)}
          onClick={run}
        >
          {act}
        </Button>
      </Acts>
    </Dialog>
  );
}
