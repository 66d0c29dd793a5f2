/** Of a section it is how many entries a file has. */
export function shown(value: unknown): string {
  if (typeof value === "string") return value;
  const count = (value as { count?: unknown } | null)?.count;
  if (typeof count === "number") return count === 1 ? "1 entry" : `${count} entries`;
  return JSON.stringify(value);
}
