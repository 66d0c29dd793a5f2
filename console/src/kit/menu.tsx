import { DropdownMenu } from "radix-ui";
import { Button } from "./button";

export interface Item {
  label: string;
  onSelect: () => void;
  danger?: boolean;
  disabled?: boolean;
}

/** What is done seldom. Not modal, since that would write a style sheet, which the Content-Security-Policy forbids. */
export function Menu({ label, items }: { label: string; items: Item[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button aria-label={label}>
          <span aria-hidden="true">···</span>
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          className="appear z-50 min-w-44 rounded-lg border border-line bg-panel p-1 shadow-lg"
        >
          {items.map((it) => (
            <DropdownMenu.Item
              key={it.label}
              disabled={it.disabled ?? false}
              onSelect={it.onSelect}
              className={`flex min-h-9 cursor-pointer items-center rounded-md px-2.5 text-[13px] outline-none data-disabled:opacity-55 data-highlighted:bg-sunken ${it.danger ? "text-bad" : ""}`}
            >
              {it.label}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
