import type { ConnectSession } from "~/api/schema";
import type { Tone } from "~/kit/told";

/** What came of a link, in a word: of what it asks for, or of itself where nothing was connected by it. */
export function outcomeOf({ state, items }: Pick<ConnectSession, "state"> & { items: { state: string }[] }): {
  word: string;
  tone: Tone;
} {
  const connected = items.filter((it) => it.state === "connected").length;
  if (connected > 0 && connected === items.length) return { word: "connected", tone: "good" };
  const some = connected > 0 ? `, ${connected} of ${items.length} connected` : "";
  if (state === "open") {
    if (items.some((it) => it.state === "failed"))
      return { word: `failed, and may be tried again${some}`, tone: "bad" };
    return { word: `open${some}`, tone: "info" };
  }
  return { word: `${state === "done" ? "left" : state}${some}`, tone: connected > 0 ? "warn" : "dim" };
}
