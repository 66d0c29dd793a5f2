import { keyOf } from "./key";

/** A key made of a name that nothing has yet. `taken` finds those that begin as it does. */
export async function freeKey(name: string, taken: (key: string) => Promise<Set<string>>): Promise<string> {
  const key = keyOf(name) || "api";
  const keys = await taken(key);
  if (!keys.has(key)) return key;
  let number = 2;
  while (keys.has(`${key.slice(0, 60)}-${number}`)) number += 1;
  return `${key.slice(0, 60)}-${number}`;
}
