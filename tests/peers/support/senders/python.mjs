// The official Python SDKs, asked one question after the other by JSON lines.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

let child;
const waiting = [];

function started() {
  if (child) return child;
  const file = fileURLToPath(new URL("official.py", import.meta.url));
  child = spawn(process.env.PEERS_PYTHON ?? "python3", [file], { stdio: ["pipe", "pipe", "inherit"] });
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()(JSON.parse(line)));
  child.once("exit", (code) => waiting.splice(0).forEach((done) => done({ refused: `Python ended: ${code}` })));
  return child;
}

function asked(question) {
  const answer = new Promise((done) => waiting.push(done));
  started().stdin.write(`${JSON.stringify(question)}\n`);
  return answer;
}

/** The headers that a Python SDK makes; where it only verifies, its word that it takes those of `it`. */
export async function official(sender, it) {
  const { headers, refused } = await asked({ sender, more: {}, ...it, body: it.body.toString() });
  assert.equal(refused, undefined, `${sender}: ${refused}`);
  return headers;
}

export async function version(package_) {
  const { version, refused } = await asked({ version: package_ });
  assert.equal(refused, undefined, refused);
  return version;
}

export function stop() {
  child?.stdin.end();
}
