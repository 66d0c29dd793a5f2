// The table of what was sent and refused, as docs/webhooks-proof.md has it.
import { readFileSync, writeFileSync } from "node:fs";
import * as python from "./python.mjs";

const PAGE = new URL("../../../../docs/webhooks-proof.md", import.meta.url);
const [BEGIN, END] = ["<!-- what was run -->\n", "<!-- end -->\n"];
const PYPI = "PyPI ";

async function named(sdk) {
  if (sdk.startsWith(PYPI)) return `${sdk} ${await python.version(sdk.slice(PYPI.length))}`;
  const { version } = JSON.parse(readFileSync(new URL(`../../node_modules/${sdk}/package.json`, import.meta.url), "utf8"));
  return `${sdk} ${version}`;
}

/** Several names in a row as one. */
const ABOUT_TIME = "stale, future, non-numeric timestamp, repeated timestamp";

/** `outcomes`: for each sender, each mutation's name with true where it was refused, or why it does not apply. */
export async function table(senders, outcomes) {
  const rows = ["| preset | SDK | it | refused | does not apply |", "| --- | --- | --- | --- | --- |"];
  for (const sender of senders) {
    const all = Object.entries(outcomes[sender.name]);
    const reasons = {};
    for (const [name, why] of all) if (why !== true) (reasons[why] ??= []).push(name);
    const apart = Object.entries(reasons).map(([why, names]) => `${names.join(", ").replace(ABOUT_TIME, "the four about time")}: ${why}`);
    const way = sender.way === "signs" ? "signs" : "verifies";
    const refused = all.filter(([, it]) => it === true).length;
    rows.push(`| ${sender.preset} | ${await named(sender.sdk)} | ${way} | ${refused} | ${apart.join("; ")} |`);
  }
  const all = senders.flatMap(({ name }) => Object.values(outcomes[name]));
  const packages = new Set(senders.map((it) => it.sdk)).size;
  const counted = `${senders.length} senders, ${packages} packages; ${all.filter((it) => it === true).length} of ${all.length} apply, and are refused.`;
  return `\n${counted}\n\n${rows.join("\n")}\n\n`;
}

/** The page's own table. With `PEERS_WRITE` set it is written first. */
export function written(made) {
  const page = readFileSync(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const [stands, behind] = rest.split(END);
  if (!process.env.PEERS_WRITE) return stands;
  writeFileSync(PAGE, [before, BEGIN, made, END, behind].join(""));
  return made;
}
