import { Link, type LinkProps } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { cx } from "./style";

interface PageProps {
  title: string;
  /** What there is to know of it in a line. */
  about?: ReactNode;
  /** Where it lies: what leads back up. */
  up?: { label: string; to: LinkProps["to"]; params?: Record<string, string>; search?: Record<string, unknown> };
  /** What can be done here, the main thing last. */
  acts?: ReactNode;
  /** Beside the title: badges, a mark. */
  mark?: ReactNode;
  children: ReactNode;
}

/** One page: its title in the window's as well, one `h1`, what can be done here, and what it shows. */
export function Page({ title, about, up, acts, mark, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · attache`;
  }, [title]);
  return (
    <div className="mx-auto w-full max-w-6xl px-4 py-5 sm:px-6 lg:px-8 lg:py-7">
      {up && (
        <Link
          {...(up as LinkProps)}
          className="mb-2 inline-flex min-h-6 items-center text-[13px] text-dim hover:text-ink"
        >
          <span aria-hidden="true">←&nbsp;</span>
          {up.label}
        </Link>
      )}
      <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0 flex-1 basis-72">
          <div className="flex flex-wrap items-center gap-2.5">
            {mark}
            <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          </div>
          {about && <div className="mt-1 max-w-3xl text-dim">{about}</div>}
        </div>
        {acts && <div className="flex flex-wrap items-center gap-2">{acts}</div>}
      </header>
      {children}
    </div>
  );
}

interface SectionProps {
  title?: string;
  about?: ReactNode;
  acts?: ReactNode;
  className?: string;
  children: ReactNode;
}

export function Section({ title, about, acts, className, children }: SectionProps) {
  return (
    <section className={cx("mb-7", className)}>
      {(title || acts) && (
        <div className="mb-2.5 flex flex-wrap items-end justify-between gap-x-4 gap-y-2">
          <div>
            {title && <h2 className="text-[15px] font-semibold">{title}</h2>}
            {about && <div className="max-w-3xl text-[13px] text-dim">{about}</div>}
          </div>
          {acts && <div className="flex flex-wrap gap-2">{acts}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

/** A surface that things lie on. */
export function Card({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cx("rounded-xl border border-line bg-panel p-4", className)}>{children}</div>;
}

/** Terms and what they are: a definition list in two columns, one below the other where it is narrow. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-1 gap-x-6 gap-y-2 text-[13px] sm:grid-cols-[minmax(8rem,auto)_1fr]">
      {items.map(([term, value]) => (
        <div key={term} className="contents">
          <dt className="text-dim">{term}</dt>
          <dd className="mb-1 min-w-0 sm:mb-0">{value ?? <span className="text-dim">none</span>}</dd>
        </div>
      ))}
    </dl>
  );
}
