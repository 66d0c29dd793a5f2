// What the harness started, and what every test asks of a request that reached the far end.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const scene = JSON.parse(readFileSync(process.env.PEERS_SCENE, "utf8"));

/** The requests recorded under a path since they were last asked for. */
export async function seen(under) {
  const answer = await fetch(`${scene.upstream}/__seen?under=${encodeURIComponent(under)}`);
  return answer.json();
}

/** The one request recorded under a path, with nothing of attache's and nothing of the caller's key in it. */
export async function onlySeen(under) {
  const records = await seen(under);
  assert.equal(records.length, 1, `requests under ${under}: ${JSON.stringify(records.map((it) => it.url))}`);
  const [record] = records;
  assertClean(record);
  return { ...record, bytes: Buffer.from(record.body, "base64") };
}

export function assertClean(record) {
  const attaches = Object.keys(record.headers).filter((name) => name.startsWith("attache"));
  assert.deepEqual(attaches, [], "Attache-* reached the upstream");
  const whole = JSON.stringify(record) + Buffer.from(record.body ?? "", "base64").toString("latin1");
  assert.ok(!whole.includes(scene.callerKey), "the caller key reached the upstream");
}
