import { useState } from "react";
import { Button } from "~/kit/button";
import { Field, Select, TextInput } from "~/kit/field";
import { Search } from "~/kit/list";
import { FILTERS, type Filters } from "./filters";

const STATUSES: (string | undefined)[] = ["2xx", "3xx", "4xx", "5xx"];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** What is picked, as few fields as serve most; the others behind a button. */
export function FilterBar({ filters, onChange }: { filters: Filters; onChange: (filters: Filters) => void }) {
  const [more, setMore] = useState(Boolean(filters.tenant || filters.caller || filters.environment || filters.method));
  const set = (name: keyof Filters, value: string) => {
    const { [name]: _, ...others } = filters;
    onChange(value ? { ...others, [name]: value } : others);
  };
  const isFiltered = FILTERS.some((it) => filters[it]);
  return (
    <div className="mb-3 grid gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <Search label="Part of a path" value={filters.path ?? ""} onSearch={(it) => set("path", it)} />
        <Search
          label="Connection, by its key"
          value={filters.connection ?? ""}
          onSearch={(it) => set("connection", it)}
        />
        <Select
          aria-label="Status"
          className="w-auto"
          value={filters.status ?? ""}
          onChange={(event) => set("status", event.target.value)}
        >
          <option value="">Any status</option>
          {(STATUSES.includes(filters.status ?? "2xx") ? STATUSES : [...STATUSES, filters.status]).map((it) => (
            <option key={it}>{it}</option>
          ))}
        </Select>
        <Select
          aria-label="Whose fault"
          className="w-auto"
          value={filters.source ?? ""}
          onChange={(event) => set("source", event.target.value)}
        >
          <option value="">Whoever's fault</option>
          <option value="caller">The caller's</option>
          <option value="attache">attache's</option>
          <option value="upstream">The API's</option>
        </Select>
        <Button aria-expanded={more} onClick={() => setMore(!more)}>
          {more ? "Fewer" : "More"}
        </Button>
        {isFiltered && (
          <Button kind="quiet" onClick={() => onChange({})}>
            Clear
          </Button>
        )}
      </div>
      {more && (
        <div className="grid gap-3 sm:grid-cols-4">
          {(["tenant", "caller", "environment"] as const).map((name) => (
            // What the address says is what stands in it, also after it was cleared.
            <Field key={`${name} ${filters[name] ?? ""}`} label={name[0]?.toUpperCase() + name.slice(1)}>
              {(ties) => (
                <TextInput
                  {...ties}
                  defaultValue={filters[name] ?? ""}
                  onBlur={(event) => set(name, event.target.value)}
                  onKeyDown={(event) => event.key === "Enter" && set(name, event.currentTarget.value)}
                />
              )}
            </Field>
          ))}
          <Field label="Method">
            {(ties) => (
              <Select {...ties} value={filters.method ?? ""} onChange={(event) => set("method", event.target.value)}>
                <option value="">Any</option>
                {METHODS.map((it) => (
                  <option key={it}>{it}</option>
                ))}
              </Select>
            )}
          </Field>
        </div>
      )}
    </div>
  );
}
