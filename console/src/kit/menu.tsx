import { type KeyboardEvent, useId, useRef } from "react";
import { Button } from "./button";

export interface Item {
  label: string;
  onSelect: () => void;
  danger?: boolean;
  disabled?: boolean;
}

/**
 * What is done seldom, behind a button (WAI-ARIA Authoring Practices, menu button). The browser's own popover: it lies
 * over everything, whatever it is in, and goes with Escape or a click beside it.
 */
export function Menu({ label, items }: { label: string; items: Item[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const all = () => [...(menu.current?.querySelectorAll<HTMLButtonElement>("[role=menuitem]:not(:disabled)") ?? [])];
  const place = () => {
    const [at, shown] = [button.current?.getBoundingClientRect(), menu.current];
    if (!at || !shown) return;
    const below = at.bottom + 4;
    const fits = below + shown.offsetHeight <= window.innerHeight;
    shown.style.top = `${fits ? below : Math.max(8, at.top - 4 - shown.offsetHeight)}px`;
    shown.style.left = `${Math.max(8, at.right - shown.offsetWidth)}px`;
  };
  const move = (event: KeyboardEvent) => {
    const list = all();
    const here = list.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: list.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    list[(to + list.length) % list.length]?.focus();
  };
  return (
    <>
      <Button ref={button} aria-label={label} aria-haspopup="menu" popoverTarget={id}>
        <span aria-hidden="true">···</span>
      </Button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        onKeyDown={move}
        onToggle={(event) => {
          if (event.newState !== "open") return;
          place();
          all()[0]?.focus();
        }}
        className="fixed m-0 min-w-44 rounded-lg border border-line bg-panel p-1 text-ink shadow-lg"
      >
        {items.map((it) => (
          <button
            key={it.label}
            type="button"
            role="menuitem"
            disabled={it.disabled}
            onClick={() => {
              menu.current?.hidePopover();
              it.onSelect();
            }}
            className={`flex min-h-9 w-full items-center rounded-md px-2.5 text-left text-[13px] hover:bg-sunken disabled:opacity-55 ${it.danger ? "text-bad" : ""}`}
          >
            {it.label}
          </button>
        ))}
      </div>
    </>
  );
}
