/** What of the webhooks is looked at, kept in the address. */
export interface WebhookSearch {
  tab?: string;
  connection?: string;
  tenant?: string;
  verdict?: string;
}

export function webhookSearch(search: Record<string, unknown>): WebhookSearch {
  const picked: WebhookSearch = {};
  for (const name of ["tab", "connection", "tenant", "verdict"] as const) {
    if (search[name]) picked[name] = String(search[name]);
  }
  return picked;
}
