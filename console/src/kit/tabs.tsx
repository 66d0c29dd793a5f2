import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

interface TabsProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  tabs: { value: string; label: string; count?: number | undefined; content: ReactNode }[];
}

/** Parts of one page, one at a time. Which one is kept in the address by whoever uses it. */
export function Tabs({ label, value, onChange, tabs }: TabsProps) {
  return (
    <Radix.Root value={value} onValueChange={onChange}>
      <Radix.List aria-label={label} className="mb-4 flex flex-wrap gap-x-1 border-b border-line">
        {tabs.map((it) => (
          <Radix.Trigger
            key={it.value}
            value={it.value}
            className="-mb-px min-h-9 border-b-2 border-transparent px-3 text-[13px] font-medium text-dim hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
          >
            {it.label}
            {it.count !== undefined && (
              <span className="ml-1.5 text-xs font-normal text-dim">{it.count.toLocaleString("en")}</span>
            )}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((it) => (
        <Radix.Content key={it.value} value={it.value} className="focus-visible:outline-offset-4">
          {it.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
