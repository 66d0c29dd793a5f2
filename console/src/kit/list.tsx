import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "./button";
import { TextInput } from "./field";
import { Failure, Loading } from "./told";

/** What is typed is asked for once the typing pauses. */
export function Search({ label, value, onSearch }: { label: string; value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  const tell = useRef(onSearch);
  tell.current = onSearch;
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      tell.current(text);
    }, 180);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="w-full sm:max-w-xs">
      <TextInput
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  );
}

interface ListProps<T> {
  query: UseInfiniteQueryResult<{ items: T[] }>;
  /** Shown where there is nothing. */
  empty: ReactNode;
  children: (items: T[]) => ReactNode;
}

/** A list that goes on where it is scrolled to its end; it says when it is being read, empty, or could not be. */
export function List<T>({ query, empty, children }: ListProps<T>) {
  const end = useRef<HTMLDivElement>(null);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    const seen = end.current;
    if (!seen || !hasNextPage || isFetchingNextPage) return;
    const watch = new IntersectionObserver((entries) => entries.some((it) => it.isIntersecting) && fetchNextPage(), {
      rootMargin: "600px",
    });
    watch.observe(seen);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (query.isPending) return <Loading rows={5} />;
  if (query.isError && !query.data) return <Failure error={query.error} again={() => query.refetch()} />;
  const items = query.data?.items ?? [];
  return (
    <>
      {items.length === 0 && !hasNextPage ? empty : children(items)}
      <div ref={end} className="mt-3 flex justify-center">
        {query.isError && (
          <Failure error={query.error} again={() => (query.isFetchNextPageError ? fetchNextPage() : query.refetch())} />
        )}
        {hasNextPage && !query.isError && (
          <Button busy={isFetchingNextPage} onClick={() => fetchNextPage()}>
            More
          </Button>
        )}
      </div>
    </>
  );
}
