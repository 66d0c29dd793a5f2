import type { ReactNode } from "react";
import { cx } from "./style";

export interface Column<T> {
  head: string;
  cell: (row: T) => ReactNode;
  /** Where it is narrow: left out, or without its head. */
  narrow?: "hide" | "bare";
  align?: "right";
  className?: string;
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
}

/** Rows that people compare. On a narrow screen each row is a card with its heads inside. */
export function Table<T>({ label, columns, rows, keyOf }: TableProps<T>) {
  return (
    <div className="rounded-xl border border-line bg-panel">
      <table aria-label={label} className="w-full border-collapse text-[13px] max-md:block">
        <thead className="max-md:sr-only">
          <tr>
            {columns.map((it) => (
              <th
                key={it.head}
                scope="col"
                className={cx(
                  "border-b border-line px-3 py-2 text-left text-xs font-medium text-dim first:pl-4 last:pr-4",
                  it.align === "right" && "text-right",
                )}
              >
                {it.head || <span className="sr-only">Acts</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="max-md:block">
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              className="far border-b border-line last:border-0 max-md:grid max-md:gap-1 max-md:px-4 max-md:py-3"
            >
              {columns.map((it) => (
                <td
                  key={it.head}
                  className={cx(
                    "px-3 py-2 align-middle first:pl-4 last:pr-4 max-md:flex max-md:items-baseline max-md:justify-between max-md:gap-4 max-md:p-0 max-md:first:pl-0 max-md:last:pr-0",
                    it.align === "right" && "text-right tabular-nums",
                    it.narrow === "hide" && "max-md:hidden",
                    it.className,
                  )}
                >
                  {it.narrow !== "bare" && it.head && (
                    <span aria-hidden="true" className="shrink-0 text-xs text-dim md:hidden">
                      {it.head}
                    </span>
                  )}
                  <div className={cx("min-w-0", it.narrow === "bare" && "max-md:grow")}>{it.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
