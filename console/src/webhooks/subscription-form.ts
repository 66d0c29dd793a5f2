import type { Tone } from "~/kit/told";

export const PATH = "/v1/event_subscriptions";

/** How a subscription or one of its events is. */
export const STATES: Record<string, Tone> = {
  delivering: "good",
  failing: "bad",
  disabled: "dim",
  pending: "info",
  delivered: "good",
  failed: "bad",
};

/** Those that tell of trouble: what most want to be told of, and what is proposed. */
export const TROUBLE = [
  "connection.failing",
  "connection.recovered",
  "connection.reauthorization_required",
  "connect_session.failed",
  "webhook.refused",
  "event_subscription.disabled",
  "audit.broken",
];

/** What a subscription is told of, in a word or two. */
export function whatOf(types: string[] | undefined): string {
  if (!types?.length) return "everything";
  if (types.length === TROUBLE.length && TROUBLE.every((it) => types.includes(it))) return "trouble";
  return types.length > 2 ? `${types.length} types` : types.join(", ");
}
