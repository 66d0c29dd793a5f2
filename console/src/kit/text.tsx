import { useRef, useState, useSyncExternalStore } from "react";
import { Button } from "./button";
import { cx } from "./style";

/** Initials on a ground of its own colour: what stands for a connector, an integration, a tenant. */
export function Initials({ name, size = "md" }: { name: string; size?: "sm" | "md" | "lg" }) {
  const words = name
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim()
    .split(" ");
  const letters = words.length > 1 ? `${words[0]?.[0] ?? ""}${words[1]?.[0] ?? ""}` : (words[0] ?? "?").slice(0, 2);
  const ground = GROUNDS[hash(name) % GROUNDS.length];
  const sizes = { sm: "size-6 text-[10px]", md: "size-9 text-xs", lg: "size-11 text-sm" };
  return (
    <span
      aria-hidden="true"
      className={cx(
        "inline-flex shrink-0 items-center justify-center rounded-lg font-semibold text-white uppercase",
        sizes[size],
        ground,
      )}
    >
      {letters}
    </span>
  );
}

/** All dark enough for white letters in both themes. */
const GROUNDS = [
  "bg-teal-800",
  "bg-sky-800",
  "bg-indigo-800",
  "bg-violet-800",
  "bg-fuchsia-900",
  "bg-rose-900",
  "bg-orange-900",
  "bg-lime-900",
];

function hash(text: string): number {
  let sum = 7;
  for (const it of text) sum = (sum * 31 + (it.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}

/** Something that machines read: a key, a path, a header. */
export function Code({ children, className }: { children: string; className?: string }) {
  return <code className={cx("rounded bg-sunken px-1 py-px font-mono text-xs break-all", className)}>{children}</code>;
}

/** Several lines of it, with a button that copies them. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className="relative rounded-lg border border-line bg-sunken">
      {/* What scrolls has to be reached by keyboard. */}
      <section aria-label={label}>
        <pre
          tabIndex={0}
          className="max-h-96 overflow-auto p-3 pr-20 font-mono text-xs leading-relaxed whitespace-pre-wrap"
        >
          {text}
        </pre>
      </section>
      <div className="absolute top-1.5 right-1.5">
        <Copy text={text} />
      </div>
    </div>
  );
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState<"yes" | "no">();
  const button = useRef<HTMLButtonElement>(null);
  const copy = async () => {
    const isDone = await write(text, button.current);
    setDone(isDone ? "yes" : "no");
    setTimeout(() => setDone(undefined), isDone ? 1500 : 6000);
  };
  return (
    <Button ref={button} onClick={copy} className="min-h-7 px-2 text-xs">
      <span aria-live="polite">
        {done === "yes" ? "Copied" : done === "no" ? "Not copied: mark it and copy it" : label}
      </span>
    </Button>
  );
}

/** Whether it is in the clipboard now. Browsers have one only for pages that came by https or from this machine. */
async function write(text: string, button: HTMLElement | null): Promise<boolean> {
  if (navigator.clipboard) {
    const asked = navigator.clipboard.writeText(text);
    if (await asked.then(() => true).catch(() => false)) return true;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  area.setAttribute("aria-hidden", "true");
  // Beside the button: a dialog lets the focus go nowhere else.
  (button?.parentElement ?? document.body).append(area);
  area.select();
  let isDone = false;
  try {
    isDone = document.execCommand("copy");
  } catch {
    isDone = false;
  }
  area.remove();
  button?.focus();
  return isDone;
}

const SPANS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago, or until when, in words. */
export function ago(time: string | number | Date, now = Date.now()): string {
  const seconds = Math.round((new Date(time).getTime() - now) / 1000);
  const [unit, length] = SPANS.find(([, it]) => Math.abs(seconds) >= it) ?? ["second", 1];
  return RELATIVE.format(Math.round(seconds / length), unit);
}

/** How often it is looked whether "a minute ago" has become two. */
const TICK_MS = 15_000;

const waiting = new Set<() => void>();
let ticks = 0;
let clock: ReturnType<typeof setInterval> | undefined;

/** One clock for all moments of a page, which stands still where there are none. */
function onTick(tell: () => void): () => void {
  waiting.add(tell);
  clock ??= setInterval(() => {
    ticks += 1;
    for (const it of waiting) it();
  }, TICK_MS);
  return () => {
    waiting.delete(tell);
    if (waiting.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  };
}

/** A moment: how long ago, and exactly when for whoever points at it. */
export function Moment({ at }: { at?: string | null | undefined }) {
  useSyncExternalStore(onTick, () => ticks);
  if (!at) return <span className="text-dim">never</span>;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(at)}
    </time>
  );
}

/** "1 tenant", "2 tenants". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
