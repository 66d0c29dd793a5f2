import type { Told } from "~/api/schema";

/** The API's words: an option of the command line is no help here. */
export function sentenceOf(it: Pick<Told, "problem" | "hint">): string {
  const words = it.hint ? `${it.problem}: ${it.hint}` : it.problem;
  const whole = words.replaceAll(" (`--base-url`)", "").replaceAll("`", "");
  return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}.`;
}
