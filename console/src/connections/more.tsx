import { type ReactNode, useState } from "react";

interface Props {
  title: string;
  about?: string;
  /** Something in it has to be looked at. */
  open?: boolean | string | undefined;
  children: ReactNode;
}

/** What most people leave as it is: one click away. */
export function More({ title, about, open, children }: Props) {
  const [opened, setOpened] = useState(false);
  const isOpen = opened || Boolean(open);
  return (
    <details
      className="rounded-lg border border-line"
      open={isOpen}
      onToggle={(event) => setOpened(event.currentTarget.open)}
    >
      <summary className="min-h-9 px-3 py-2 text-[13px] font-medium">
        {title}
        {about && !isOpen && <span className="font-normal text-dim"> · {about}</span>}
      </summary>
      {isOpen && <div className="grid gap-4 border-t border-line p-3">{children}</div>}
    </details>
  );
}
