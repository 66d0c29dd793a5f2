// An attache of a suite's own, with a store of its own: what is set up goes in by its API, as an operator does it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { scene } from "./scene.mjs";

const PATIENCE_MS = 30_000;

export class Attache {
  folder = mkdtempSync(join(tmpdir(), "attache-oauth-"));
  token = randomBytes(24).toString("base64url");
  callerKey = randomBytes(24).toString("base64url");
  seal = randomBytes(32).toString("base64");
  database = join(this.folder, "attache.db");
  /** Sections of the configuration besides those that every suite needs. */
  more = {};

  static async start() {
    const attache = new Attache();
    await attache.run();
    return attache;
  }

  async run() {
    const anywhere = { listen: "127.0.0.1:0" };
    const configuration = {
      server: { proxy: anywhere, admin: { ...anywhere, token: this.token }, public: anywhere, shutdown: { ready_delay: "0s" } },
      callers: { runtime: { key: this.callerKey } },
      store: { url: `sqlite:${this.database}` },
      egress: { allow: ["127.0.0.0/8"] },
      ...this.more,
    };
    const [file, addresses] = [join(this.folder, "attache.yaml"), join(this.folder, "addresses.json")];
    writeFileSync(file, JSON.stringify(configuration, null, 1)); // YAML 1.2 takes JSON as it is
    rmSync(addresses, { force: true });
    const log = openSync(join(this.folder, "attache.log"), "a");
    const env = { ...process.env, ATTACHE_SEAL_KEY: this.seal };
    this.child = spawn(scene.attache, ["serve", "--config", file, "--addresses", addresses], { env, stdio: ["ignore", log, log] });
    closeSync(log);
    this.ended = new Promise((done) => this.child.once("exit", done));
    const deadline = Date.now() + PATIENCE_MS;
    while (!existsSync(addresses)) {
      assert.equal(this.child.exitCode, null, `attache ended: ${this.said()}`);
      assert.ok(Date.now() < deadline, `attache does not listen: ${this.said()}`);
      await pause(20);
    }
    Object.assign(this, JSON.parse(readFileSync(addresses, "utf8")));
  }

  said() {
    return readFileSync(join(this.folder, "attache.log"), "utf8");
  }

  /** What the admin API answers, be it a problem or not. */
  async ask(method, path, body) {
    const answer = await fetch(`http://${this.admin}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, said: text ? JSON.parse(text) : null };
  }

  /** A request of the admin API; fails with what it answered where that is a problem. */
  async send(method, path, body) {
    const { status, said } = await this.ask(method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(said)}`);
    return said;
  }

  /** A connector with one auth method, and a connection `key` that uses it. */
  async connect(key, { baseUrl, oauth2, ...connection }) {
    await this.send("PUT", `connectors/${key}`, { base_url: baseUrl, auth: { main: { oauth2 } } });
    await this.send("PUT", `connections/${key}`, { connector: key, auth: "main", ...connection });
  }

  /** An embedded connection of this key, and an activation under it for a tenant who brings nothing: the activation's path. */
  async connectFor(tenant, key, connection) {
    await this.connect(key, { ...connection, embedded: true });
    const activation = `connections/${key}/activations/${tenant}`;
    await this.send("PUT", activation, {});
    return activation;
  }

  /** How the grant of a connection or an activation stands. */
  async grant(holder) {
    return (await this.send("GET", holder)).grant;
  }

  /** What a caller is answered who asks through a connection. */
  async through(key, { path = "/whoami", headers = {}, ...more } = {}) {
    const answer = await fetch(`http://${this.proxy}/c/${key}${path}`, { headers: { "attache-key": this.callerKey, ...headers }, ...more });
    const text = await answer.text();
    const said = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
    return { status: answer.status, error: answer.headers.get("attache-error"), said };
  }

  async end(signal) {
    this.child.kill(signal);
    await this.ended;
  }

  async stop() {
    await this.end("SIGTERM");
    rmSync(this.folder, { recursive: true });
  }
}

/** What attache has said: something, and nothing that it must not. */
export function assertTold(said, hidden) {
  assert.match(said, /GET/, "no access log at all, so nothing could be searched");
  const values = hidden.filter(Boolean);
  assert.ok(values.every((it) => it.length >= 8), "too short to be searched for");
  assert.deepEqual(values.filter((it) => said.includes(it)), [], "attache's own output holds what it must not");
}

/** Waits until it holds, and gives what it gave. */
export async function soon(what, holds) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(Date.now() < deadline, `not soon: ${what}`);
    await pause(50);
  }
}
