/** A body as people read it: JSON with line breaks, other text as it is, what is no text in Base64. */
export function readable({
  body,
  body_base64,
}: {
  body?: string | null;
  body_base64?: string | null;
}): string | undefined {
  if (body === undefined || body === null) return body_base64 || undefined;
  try {
    JSON.parse(body);
  } catch {
    return body;
  }
  return laidOut(body);
}

/** Texts, what opens, closes or separates, and everything else but white space. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** JSON with line breaks, token by token: numbers, names and escapes stay as they were sent, since signatures are over them. */
function laidOut(json: string): string {
  let [text, depth, before] = ["", 0, ""];
  for (const token of json.match(TOKENS) ?? []) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const opened = before === "{" || before === "[";
    if ((opened || before === "," || closes) && !(opened && closes)) text += `\n${"  ".repeat(depth)}`;
    text += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return text;
}
