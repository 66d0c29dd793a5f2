import { keyOf } from "./key";

/** A key made of a name that nothing has yet. */
export async function freeKey(name: string, isTaken: (key: string) => Promise<boolean>): Promise<string> {
  const key = keyOf(name) || "api";
  for (let number = 1; number < 20; number += 1) {
    const tried = number === 1 ? key : `${key.slice(0, 60)}-${number}`;
    if (!(await isTaken(tried))) return tried;
  }
  return key;
}
