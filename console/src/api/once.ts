/** A key for `Idempotency-Key`: the same request sent again is done once. Works on pages that came by http, too. */
export function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}

/** Keys for what is sent from one form: the same as long as the same is sent, since the answer may have been lost. */
export class Once {
  private last = { text: "", key: "" };

  keyFor(body: unknown): string {
    const text = JSON.stringify(body) ?? "";
    if (!this.last.key || text !== this.last.text) this.last = { text, key: onceKey() };
    return this.last.key;
  }
}
