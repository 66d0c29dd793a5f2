import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { listQuery } from "~/api/pages";
import { Field, Select } from "~/kit/field";
import { Search } from "~/kit/list";
import { Failure } from "~/kit/told";

interface Props<T> {
  label: string;
  path: string;
  query?: Record<string, string>;
  value: string | undefined;
  onPick: (value: string) => void;
  keyOf: (item: T) => string;
  wordsOf: (item: T) => string;
  /** Nothing chosen yet. */
  none: string;
  error?: string | undefined;
}

/** How many are offered before one has to search. */
const OFFERED = 50;

/** One of many that the API has: from a list where they are few, found by a search where they are not. */
export function Pick<T>({ label, path, query = {}, value, onPick, keyOf, wordsOf, none, error }: Props<T>) {
  const [q, setQ] = useState("");
  const found = useInfiniteQuery(listQuery<T>(path, { ...query, q }, OFFERED));
  const items = found.data?.items ?? [];
  const isMany = q !== "" || found.hasNextPage;
  const isElsewhere = value !== undefined && !items.some((it) => keyOf(it) === value);
  return (
    <div className="grid gap-1.5">
      <Field label={label} error={error}>
        {(ties) => (
          <Select {...ties} value={value ?? ""} onChange={(event) => onPick(event.target.value)}>
            <option value="">{found.isPending ? "Loading …" : none}</option>
            {isElsewhere && <option value={value}>{value}</option>}
            {items.map((it) => (
              <option key={keyOf(it)} value={keyOf(it)}>
                {wordsOf(it)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {isMany && <Search label={`Search, ${label.toLowerCase()}`} value={q} onSearch={setQ} />}
      {found.isError && <Failure error={found.error} again={() => found.refetch()} />}
    </div>
  );
}
