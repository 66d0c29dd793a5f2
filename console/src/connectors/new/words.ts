import type { Told } from "~/api/schema";

/** The API's words: what is an option of the command line there is a field of the page here. */
export function sentenceOf(it: Pick<Told, "problem" | "hint">): string {
  const words = it.hint ? `${it.problem}: ${it.hint}` : it.problem;
  const whole = words.replaceAll(" (`--base-url`)", " in the field above").replaceAll("`", "");
  return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}.`;
}
