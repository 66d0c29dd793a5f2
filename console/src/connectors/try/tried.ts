import type { Tried, TriedSent } from "~/api/schema";

/** Where attache writes what it does not show. */
const HIDDEN = "••••";

/** Where attache has put a credential on a request, in words: the fields' names, and the URL if something is in there. */
export function injected(sent: TriedSent): string[] {
  const fields = sent.headers.filter((it) => it.injected && it.redacted).map((it) => it.name);
  return sent.url.includes(HIDDEN) ? [...fields, "the query"] : fields;
}

export function headerOf(tried: Tried, name: string): string {
  return tried.headers.find(([it]) => it.toLowerCase() === name)?.[1] ?? "";
}

export type Shown =
  | { kind: "none"; words: string }
  | { kind: "json"; value: unknown; text: string }
  | { kind: "text"; text: string }
  | { kind: "binary"; type: string; base64: string };

/** JSON over this length is shown as text: folded, it would be slow. */
const JSON_LEN_MAX = 512 * 1024;

/** How the body of an answer is shown. */
export function shownBody(tried: Tried): Shown {
  if (tried.withheld) return { kind: "none", words: tried.withheld };
  const type = headerOf(tried, "content-type").split(";")[0]?.trim() ?? "";
  if (tried.body_base64) return { kind: "binary", type, base64: tried.body_base64 };
  const text = tried.body ?? "";
  if (text === "") return { kind: "none", words: "The answer has no body." };
  if (/^\s*[{[]/.test(text) && text.length <= JSON_LEN_MAX) {
    try {
      return { kind: "json", value: JSON.parse(text), text };
    } catch {
      // Cut off, or something else that begins so.
    }
  }
  return { kind: "text", text };
}

/** A length as people read it. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** What to make of the API's own refusal, where there is something to do about it here. */
export function advice(tried: Tried): string | undefined {
  if (tried.error) return undefined;
  switch (tried.status) {
    case 401:
      return "The API does not take the credential: it may be wrong, withdrawn, or in the wrong place. Look at the connection's credentials, and at where its auth method puts them.";
    case 403:
      return "The API knows the credential and does not allow this: it may lack a scope or a permission there.";
    case 404:
      return "The API has nothing at this path. Look at the base URL, and whether the path begins below it.";
    case 405:
      return "The API has this path, and not by this method.";
    case 415:
      return "The API wants another Content-Type for the body.";
    case 429:
      return "The API's own limit was reached: wait, or ask less often.";
    default:
      return tried.status >= 300 && tried.status < 400
        ? "The API sends elsewhere. attache does not follow: the credential would go there too."
        : undefined;
  }
}
