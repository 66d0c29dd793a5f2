import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { json } from "~/api/client";
import type { Connection, UsesPage } from "~/api/schema";
import { Button } from "~/kit/button";
import { Card, Section } from "~/kit/page";
import { Code, count } from "~/kit/text";
import { Badge, Failure, Loading } from "~/kit/told";
import { pathOf } from "./query";

/** Who uses it: its tenants, counted, and the environments that assign it. */
export function UsesSection({ connection, acts }: { connection: Connection; acts?: React.ReactNode }) {
  const uses = useInfiniteQuery({
    queryKey: ["uses", connection.key],
    queryFn: ({ pageParam }) => {
      const search = new URLSearchParams({ limit: "50", ...(pageParam && { cursor: pageParam }) });
      return json<UsesPage>("GET", `${pathOf(connection.key)}/uses?${search}`);
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next || undefined,
  });
  const all = uses.data?.pages.flatMap((it) => it.uses) ?? [];
  const environments = all.filter((it) => it.kind === "environment");
  const activations = uses.data?.pages[0]?.activations ?? 0;
  return (
    <Section title="Who uses it" acts={acts}>
      <Card className="grid gap-3 text-[13px]">
        {uses.isPending && <Loading rows={1} />}
        <Failure error={uses.error} again={() => uses.refetch()} />
        {connection.embedded && uses.data && (
          <p className="flex flex-wrap items-center justify-between gap-2">
            <span>{activations >= 10_000 ? "10,000 tenants or more" : count(activations, "tenant")}</span>
            <Link to="/users" className="text-accent underline">
              Users tab
            </Link>
          </p>
        )}
        {uses.data && environments.length === 0 && <p className="text-dim">No environment assigns it yet.</p>}
        {environments.length > 0 && (
          <ul className="grid gap-1.5">
            {environments.map((it) => (
              <li key={`${it.key}.${it.alias}`} className="flex flex-wrap items-center gap-1.5">
                <Code>{it.key ?? ""}</Code>
                <span className="text-dim">as {it.alias}</span>
                {it.deployed && <Badge tone="info">deployed</Badge>}
              </li>
            ))}
          </ul>
        )}
        {uses.hasNextPage && (
          <div>
            <Button busy={uses.isFetchingNextPage} onClick={() => uses.fetchNextPage()}>
              More
            </Button>
          </div>
        )}
      </Card>
    </Section>
  );
}
