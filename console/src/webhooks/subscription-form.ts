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
