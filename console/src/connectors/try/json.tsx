import { useState } from "react";
import { count } from "~/kit/text";

/** How many members are drawn at once. */
const DRAWN = 100;

/** JSON that can be folded: the first levels are open. */
export function Json({ value, open = 3 }: { value: unknown; open?: number }) {
  return (
    <div className="font-mono text-xs leading-relaxed">
      <Value value={value} open={open} />
    </div>
  );
}

function Value({ name, value, open }: { name?: string; value: unknown; open: number }) {
  const [isOpen, setIsOpen] = useState(open > 0);
  const [drawn, setDrawn] = useState(DRAWN);
  const label = name !== undefined && <span className="text-dim">{name}: </span>;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="pl-4 break-all whitespace-pre-wrap">
        {label}
        <Plain value={value} />
      </div>
    );
  }
  const isList = Array.isArray(value);
  const members = isList ? value.map((it, at) => [String(at), it] as const) : Object.entries(value);
  if (members.length === 0) {
    return (
      <div className="pl-4">
        {label}
        {isList ? "[]" : "{}"}
      </div>
    );
  }
  return (
    <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className="rounded hover:bg-sunken">
        {label}
        <span className="text-dim">{isList ? `[ ${count(members.length, "item")} ]` : `{ ${summary(members)} }`}</span>
      </summary>
      {isOpen && (
        <div className="ml-1.5 border-l border-line pl-2">
          {members.slice(0, drawn).map(([key, it]) => (
            <Value key={key} name={key} value={it} open={open - 1} />
          ))}
          {members.length > drawn && (
            <button type="button" className="pl-4 text-accent underline" onClick={() => setDrawn(drawn + 10 * DRAWN)}>
              {count(members.length - drawn, "other")}
            </button>
          )}
        </div>
      )}
    </details>
  );
}

/** The first names of an object, so that folded ones can be told apart. */
function summary(members: (readonly [string, unknown])[]): string {
  const names = members.slice(0, 4).map(([name]) => name);
  return members.length > names.length ? `${names.join(", ")}, …` : names.join(", ");
}

function Plain({ value }: { value: unknown }) {
  switch (typeof value) {
    case "string":
      return <span className="text-good">{JSON.stringify(value)}</span>;
    case "number":
      return <span className="text-accent">{String(value)}</span>;
    default:
      return <span className="text-warn">{String(value)}</span>;
  }
}
