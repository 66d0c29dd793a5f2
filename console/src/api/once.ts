/** A key for `Idempotency-Key`: the same request sent again is done once. Works on pages that came by http, too. */
export function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}
