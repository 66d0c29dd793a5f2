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
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
