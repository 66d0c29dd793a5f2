import { Link, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type Session, useSignOut } from "~/api/session";
import { Button } from "~/kit/button";
import { cx } from "~/kit/style";
import { Theme } from "./theme";

const TABS = [
  { to: "/connectors", label: "Connect", also: ["/connections", "/new", "/consent"] },
  { to: "/integrations", label: "Integrations", also: [] },
  { to: "/users", label: "Users", also: [] },
  { to: "/environments", label: "Environments", also: [] },
  { to: "/webhooks", label: "Webhooks", also: [] },
  { to: "/live", label: "Live", also: [] },
  { to: "/settings", label: "Settings", also: [] },
] as const;

/** The tabs, and who is signed in. Behind a button where there is no room for them. */
export function Navigation({ operator }: { operator: Session["operator"] }) {
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (it) => it.location.pathname });
  const signOut = useSignOut();
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone somewhere is done with the menu
  useEffect(() => setOpen(false), [path]);
  return (
    <header className="border-b border-line bg-panel lg:sticky lg:top-0 lg:h-dvh lg:border-r lg:border-b-0">
      <div className="flex items-center justify-between gap-2 px-4 py-2.5 lg:px-5 lg:pt-5">
        <Link to="/connectors" className="text-[17px] font-semibold tracking-tight">
          attache
        </Link>
        <Button
          kind="quiet"
          className="lg:hidden"
          aria-expanded={open}
          aria-controls="tabs"
          onClick={() => setOpen(!open)}
        >
          {open ? "Close" : "Menu"}
        </Button>
      </div>
      <div
        id="tabs"
        className={cx("flex-col gap-4 px-2.5 pb-4 lg:flex lg:h-[calc(100dvh-4rem)] lg:px-3", open ? "flex" : "hidden")}
      >
        <nav aria-label="Main" className="grid gap-0.5 pt-1 lg:pt-3">
          {TABS.map((it) => {
            const isHere = [it.to, ...it.also].some((to) => path === to || path.startsWith(`${to}/`));
            return (
              <Link
                key={it.to}
                to={it.to}
                aria-current={isHere ? "page" : undefined}
                className={cx(
                  "flex min-h-9 items-center rounded-lg px-2.5 text-[13px] font-medium",
                  isHere ? "bg-accent-soft text-accent" : "text-dim hover:bg-sunken hover:text-ink",
                )}
              >
                {it.label}
              </Link>
            );
          })}
        </nav>
        <div className="grid gap-2 border-t border-line px-2.5 pt-3 lg:mt-auto">
          <p className="text-xs text-dim">
            Signed in as <strong className="font-medium text-ink">{operator?.name}</strong>, {operator?.role}
          </p>
          <div className="flex flex-wrap gap-1.5">
            <Theme />
            <Button className="min-h-8 px-2 text-xs" busy={signOut.isPending} onClick={() => signOut.mutate()}>
              Sign out
            </Button>
          </div>
        </div>
      </div>
    </header>
  );
}
