import { useQuery } from "@tanstack/react-query";
import { json } from "~/api/client";
import { Code, Copy } from "~/kit/text";

/** Where the console has providers send operators back to. */
export function consoleRedirect(): string {
  return `${location.origin}/consent`;
}

interface Entry {
  path: string;
  value?: unknown;
}

/** What the provider has to know of attache before anybody can consent there. */
export function RedirectUri({ embedded }: { embedded: boolean }) {
  const url = usePublicUrl();
  const uris = [...(embedded ? [`${url ?? "{server.public.url}"}/oauth/callback`] : []), consoleRedirect()];
  return (
    <div className="grid gap-1.5 rounded-lg bg-sunken px-3 py-2.5 text-[13px]">
      <p className="font-medium">Register with the provider as redirect URI</p>
      {uris.map((it) => (
        <div key={it} className="flex flex-wrap items-center justify-between gap-2">
          <Code className="bg-panel">{it}</Code>
          <Copy text={it} />
        </div>
      ))}
      {embedded && (
        <p className="text-xs text-dim">The first is for connect links, the second for consents from this console.</p>
      )}
    </div>
  );
}

/** Where attache is reached from outside, as its configuration in force says. */
function usePublicUrl(): string | undefined {
  const { data } = useQuery({
    queryKey: ["configuration", "public-url"],
    queryFn: () => json<{ items: Entry[] }>("GET", "/v1/configuration"),
    retry: false,
    staleTime: 300_000,
  });
  const url = data?.items.find((it) => it.path.replaceAll("/", ".").replace(/^\./, "") === "server.public.url")?.value;
  return typeof url === "string" && url ? url.replace(/\/$/, "") : undefined;
}
