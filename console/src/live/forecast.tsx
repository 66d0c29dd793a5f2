import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, given } from "~/api/client";
import { isApiError } from "~/api/problem";
import { Button } from "~/kit/button";
import { count, Moment } from "~/kit/text";
import { Badge, Failure, Notice } from "~/kit/told";

/** Which grants and certificates fail, or will within a week: told where somebody looks, before customers tell it. */
export function Forecast({ tenantsOnly }: { tenantsOnly?: boolean }) {
  const [open, setOpen] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["forecast"],
    queryFn: () => given(api.GET("/v1/forecast", { params: { query: { within: "7d", limit: 200 } } })),
    refetchInterval: 60_000,
  });
  // Without a store there is nothing that could end. Else silence would say that all is well.
  if (error && !data && !(isApiError(error) && error.code === "no_store"))
    return (
      <section className="mb-6" aria-label="Forecast">
        <Failure error={error} again={() => refetch()} />
      </section>
    );
  const items = (data?.items ?? []).filter((it) => !tenantsOnly || it.tenant);
  if (items.length === 0) return null;
  const failing = items.filter((it) => new Date(it.fails_at).getTime() <= Date.now()).length;
  const dying = items.length - failing;
  const more = data?.next ? "more than " : "";
  const words = [
    failing > 0 && `${more}${count(failing, "connection")} ${failing === 1 ? "fails" : "fail"} now`,
    dying > 0 && `${more}${count(dying, "connection")} ${dying === 1 ? "dies" : "die"} within 7 days`,
  ];
  return (
    <section className="mb-6" aria-label="Forecast">
      <Notice
        tone={failing > 0 ? "bad" : "warn"}
        title={words.filter(Boolean).join(", ")}
        acts={
          <Button aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Hide" : "Which ones"}
          </Button>
        }
      >
        Whoever granted them has to connect again, or their key has to be replaced.
      </Notice>
      {open && (
        <ul className="mt-2 divide-y divide-line rounded-xl border border-line bg-panel text-[13px]">
          {items.map((it) => (
            <li
              key={`${it.connection} ${it.tenant} ${it.test}`}
              className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 py-2"
            >
              <span>
                <Link
                  className="font-medium underline"
                  {...(it.tenant
                    ? { to: "/users/$tenant", params: { tenant: it.tenant } }
                    : { to: "/connections/$key", params: { key: it.connection } })}
                >
                  {it.connection}
                  {it.tenant && ` · ${it.tenant}`}
                </Link>
                {it.test && " · test credentials"}
              </span>
              <span className="text-dim">{it.grant?.why ?? (it.certificate ? "its certificate ends" : "")}</span>
              <Badge tone={new Date(it.fails_at).getTime() <= Date.now() ? "bad" : "warn"}>
                <Moment at={it.fails_at} />
              </Badge>
            </li>
          ))}
          {data?.next && <li className="px-4 py-2 text-dim">These are the first: there are more.</li>}
        </ul>
      )}
    </section>
  );
}
