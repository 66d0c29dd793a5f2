import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "~/kit/page";

const PARTS = [
  ["/settings/callers", "Callers"],
  ["/settings/operators", "Operators"],
  ["/settings/keys", "Keys"],
  ["/settings/audit", "Audit trail"],
  ["/settings/configuration", "Configuration"],
] as const;

/** One part of the settings, with the others beside it. */
export function SettingsPage({
  title,
  about,
  acts,
  children,
}: {
  title: string;
  about: ReactNode;
  acts?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Page title={title} about={about} acts={acts}>
      <nav aria-label="Settings" className="mb-5 flex flex-wrap gap-x-1 border-b border-line">
        {PARTS.map(([to, label]) => (
          <Link
            key={to}
            to={to}
            className="-mb-px inline-flex min-h-9 items-center border-b-2 px-3 text-[13px] font-medium"
            activeProps={{ className: "border-accent text-ink" }}
            inactiveProps={{ className: "border-transparent text-dim hover:text-ink" }}
          >
            {label}
          </Link>
        ))}
      </nav>
      {children}
    </Page>
  );
}
