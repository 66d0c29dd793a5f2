import { cx } from "~/kit/style";

const TONES: Record<string, string> = {
  GET: "text-accent",
  HEAD: "text-accent",
  OPTIONS: "text-dim",
  POST: "text-good",
  PUT: "text-warn",
  PATCH: "text-warn",
  DELETE: "text-bad",
};

/** A method of HTTP, as wide as any other so that paths stand below each other. */
export function MethodMark({ method }: { method: string }) {
  return (
    <span className={cx("w-14 shrink-0 font-mono text-xs leading-5 font-semibold", TONES[method] ?? "text-ink")}>
      {method}
    </span>
  );
}
