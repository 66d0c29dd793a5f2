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

  static async start() {
    const attache = new Attache();
    await attache.run();
    return attache;
  }

  async run() {
    const anywhere = { listen: "127.0.0.1:0" };
    const configuration = {
      server: { proxy: anywhere, admin: { ...anywhere, token: this.token }, public: anywhere },
      callers: { runtime: { key: this.callerKey } },
      store: { url: `sqlite:${join(this.folder, "attache.db")}` },
      egress: { allow: ["127.0.0.0/8"] },
    };
    const [file, addresses] = [join(this.folder, "attache.yaml"), join(this.folder, "addresses.json")];
    writeFileSync(file, JSON.stringify(configuration)); // YAML 1.2 takes JSON as it is
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

  /** A request of the admin API; fails with what it answered where that is a problem. */
  async send(method, path, body) {
    const answer = await fetch(`http://${this.admin}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** A connector with one auth method, and a connection `key` that uses it. */
  async connect(key, { baseUrl, oauth2, ...connection }) {
    await this.send("PUT", `connectors/${key}`, { base_url: baseUrl, auth: { main: { oauth2 } } });
    await this.send("PUT", `connections/${key}`, { connector: key, auth: "main", ...connection });
  }

  /** What a caller is answered who asks through a connection. */
  async through(key, { path = "/whoami", headers = {}, ...more } = {}) {
    const answer = await fetch(`http://${this.proxy}/c/${key}${path}`, { headers: { "attache-key": this.callerKey, ...headers }, ...more });
    const text = await answer.text();
    const said = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
    return { status: answer.status, error: answer.headers.get("attache-error"), said };
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    rmSync(this.folder, { recursive: true });
  }
}
