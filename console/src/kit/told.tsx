import type { ReactNode } from "react";
import { isApiError, sentence } from "~/api/problem";
import { Button } from "./button";
import { cx } from "./style";

export type Tone = "good" | "warn" | "bad" | "info" | "dim";

const SOFT: Record<Tone, string> = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-accent-soft text-accent",
  dim: "bg-sunken text-dim",
};

/** A word on how something is: never by colour alone. */
export function Badge({ tone = "dim", children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span
      className={cx("inline-flex items-center rounded-md px-1.5 py-0.5 text-xs font-medium", SOFT[tone])}
      title={title}
    >
      {children}
    </span>
  );
}

/** Something to know before going on. */
export function Notice({
  tone = "info",
  title,
  children,
  acts,
}: {
  tone?: Tone;
  title?: string;
  children?: ReactNode;
  acts?: ReactNode;
}) {
  return (
    <div
      className={cx(
        "flex flex-wrap items-center justify-between gap-3 rounded-lg px-3.5 py-2.5 text-[13px]",
        SOFT[tone],
      )}
      role={tone === "bad" ? "alert" : "status"}
    >
      <div className="min-w-0 flex-1 basis-60">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div className="text-ink">{children}</div>}
      </div>
      {acts}
    </div>
  );
}

/** What went wrong, in the API's own words, with the way out and what to look for in the log. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  if (!error) return null;
  const told = isApiError(error) ? error : undefined;
  return (
    <Notice
      tone="bad"
      title={told?.message ?? "Something went wrong in this page."}
      acts={again && <Button onClick={again}>Try again</Button>}
    >
      {told?.faults.map((it) => (
        <p key={it.pointer + it.problem}>
          {it.pointer && <code className="mr-1.5 text-xs">{it.pointer}</code>}
          {sentence(it)}
        </p>
      ))}
      {told?.retryAfterS !== undefined && (
        <p>{`Try again in ${told.retryAfterS === 1 ? "a second" : `${told.retryAfterS} seconds`}.`}</p>
      )}
      {told?.requestId && <p className="mt-1 text-xs text-dim">Request {told.requestId}</p>}
      {!told && <p className="text-xs">{String(error)}</p>}
    </Notice>
  );
}

/** Nothing here yet: what it is for, and the next step. */
export function Empty({ title, children, acts }: { title: string; children?: ReactNode; acts?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 rounded-xl border border-dashed border-line px-6 py-12 text-center">
      <p className="text-base font-semibold">{title}</p>
      {children && <div className="max-w-prose text-dim">{children}</div>}
      {acts && <div className="mt-1 flex flex-wrap justify-center gap-2">{acts}</div>}
    </div>
  );
}

/** The shape of what is being read, so that nothing jumps when it is there. */
export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="grid gap-2">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same and never move
        <div key={row} className="h-11 animate-pulse rounded-lg bg-sunken motion-reduce:animate-none" />
      ))}
    </div>
  );
}
