import { cx } from "~/kit/style";
import { type Durations, duration, type Phase, phasesOf } from "./phases";

/** Told apart by place and label as well as by colour. */
const GROUNDS: Record<Phase["key"], string> = {
  overhead: "bg-accent",
  queue: "bg-rose-600",
  credential: "bg-amber-600",
  dial: "bg-sky-600",
  tls: "bg-indigo-600",
  first_byte: "bg-slate-500",
  rest: "bg-slate-400",
};

/** Where the time of an exchange went: a bar, and the same in words. */
export function Phases({ exchange }: { exchange: Durations }) {
  const phases = phasesOf(exchange);
  return (
    <div className="grid gap-2">
      <div aria-hidden="true" className="flex h-3 overflow-hidden rounded-full bg-sunken">
        {phases.map((it) => (
          <div
            key={it.key}
            className={cx("min-w-0.5", GROUNDS[it.key])}
            style={{ flexGrow: it.share }}
            title={it.label}
          />
        ))}
      </div>
      <ul className="flex flex-wrap gap-x-5 gap-y-1 text-xs">
        {phases.map((it) => (
          <li key={it.key} className="inline-flex items-center gap-1.5" title={it.about}>
            <span aria-hidden="true" className={cx("size-2 rounded-full", GROUNDS[it.key])} />
            <span className="text-dim">{it.label}</span>
            <span className="tabular-nums">{duration(it.ms)}</span>
          </li>
        ))}
        <li className="font-medium tabular-nums">{duration(exchange.total)} in all</li>
      </ul>
    </div>
  );
}
