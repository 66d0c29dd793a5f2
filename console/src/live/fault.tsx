import { Badge, type Tone } from "~/kit/told";

const BLAMED: Record<string, string> = { caller: "the caller", attache: "attache", upstream: "the API" };

/** A status with how it is to be taken, and whose fault it was. */
export function Outcome({ status, source }: { status: number; source?: string | null | undefined }) {
  const tone: Tone = status >= 500 ? "bad" : status >= 400 ? "warn" : status >= 200 ? "good" : "dim";
  return (
    <span className="inline-flex flex-wrap items-center gap-1.5">
      <Badge tone={tone}>{status}</Badge>
      {source && <span className="text-xs text-dim">{BLAMED[source] ?? source}</span>}
    </span>
  );
}

export { meaning } from "./meanings";
