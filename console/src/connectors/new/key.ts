/** Longest key, in characters. */
const KEY_LEN_MAX = 63;

/** A key made of a name: what can stand in one, the rest left out. */
export function keyOf(name: string): string {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const key = plain.replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "");
  return key.slice(0, KEY_LEN_MAX).replace(/[-._]+$/, "");
}

/** What is wrong with a key, in words; nothing where it can be one. */
export function keyFault(key: string): string | undefined {
  if (key === "") return "Give it a key: programs name it by that.";
  if (key.length > KEY_LEN_MAX) return `At most ${KEY_LEN_MAX} characters.`;
  if (!/^[a-z0-9]/.test(key)) return "It begins with a small letter or a digit.";
  if (!/^[a-z0-9._-]+$/.test(key)) return "Small letters, digits, dots, hyphens and underscores.";
  return undefined;
}
