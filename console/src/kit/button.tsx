import { Link, type LinkProps } from "@tanstack/react-router";
import type { ComponentPropsWithRef, ReactNode } from "react";
import { cx } from "./style";

type Kind = "primary" | "plain" | "quiet" | "danger";

const SHARED =
  "inline-flex min-h-9 items-center justify-center gap-1.5 rounded-lg px-3 text-[13px] font-medium whitespace-nowrap " +
  "transition-colors disabled:cursor-not-allowed disabled:opacity-55 aria-disabled:opacity-55";

const KINDS: Record<Kind, string> = {
  primary: "bg-accent text-on-accent hover:not-disabled:brightness-110",
  plain: "border border-line bg-panel text-ink hover:not-disabled:bg-sunken",
  quiet: "text-ink hover:not-disabled:bg-sunken",
  danger: "bg-bad text-on-bad hover:not-disabled:brightness-110",
};

interface Props extends ComponentPropsWithRef<"button"> {
  kind?: Kind;
  /** At work: it can't be pressed again, and says so. */
  busy?: boolean;
}

export function Button({ kind = "plain", busy, className, children, type = "button", disabled, ...rest }: Props) {
  return (
    <button
      type={type}
      className={cx(SHARED, KINDS[kind], className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy && <Spinner />}
      {children}
    </button>
  );
}

/** A place to go to that looks like a button. */
export function ButtonLink({
  kind = "plain",
  className,
  children,
  ...rest
}: LinkProps & { kind?: Kind; className?: string; children?: ReactNode }) {
  return (
    <Link className={cx(SHARED, KINDS[kind], className)} {...rest}>
      {children}
    </Link>
  );
}

export function Spinner() {
  return (
    <span
      aria-hidden="true"
      className="size-3.5 animate-spin rounded-full border-2 border-current border-r-transparent motion-reduce:animate-none"
    />
  );
}
