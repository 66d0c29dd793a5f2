// What the official SDKs sign comes in; fifteen mutations of each are refused with the right code, and nothing is forwarded.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Attache } from "./support/attache.mjs";
import { scene } from "./support/scene.mjs";
import { PUBLIC, compose, facts } from "./support/senders/request.mjs";
import { broken, codeOf, mutations } from "./support/senders/mutations.mjs";
import { Target, hangUp, send } from "./support/senders/post.mjs";
import { table, written } from "./support/senders/proof.mjs";
import * as python from "./support/senders/python.mjs";
import { senders } from "./support/senders/all.mjs";

const attache = new Attache();
/** For each sender, what became of each mutation: refused, or why it does not apply. */
const outcomes = Object.fromEntries(senders.map(({ name }) => [name, {}]));
let target;

before(async () => {
  target = await Target.start();
  const [connectors, connections] = [{}, {}];
  for (const it of senders) {
    it.its = it.secret();
    const account = it.account ? { account: it.account } : {};
    connectors[it.name] = { auth: { main: { hmac: it.hmac } } };
    connections[it.name] = {
      connector: it.name, auth: "main", base_url: `${target.url}/${it.name}`,
      credentials: { secret: it.given?.(it.its) ?? it.its, ...account },
    };
  }
  const anywhere = { listen: "127.0.0.1:0" };
  const admin = { ...anywhere, token: attache.token };
  const server = { proxy: anywhere, admin, public: { ...anywhere, url: PUBLIC }, shutdown: { ready_delay: "0s" } };
  attache.more = { server, connectors, connections };
  await attache.run();
});

after(async () => {
  hangUp();
  python.stop();
  await attache.stop();
  await target.stop();
});

for (const sender of senders) {
  test(`${sender.name}: what ${sender.sdk} ${sender.way} comes in`, async () => {
    const it = facts(sender, { secret: sender.its });
    const ours = compose(sender, it);
    const theirs = await sender.official(it, ours);
    if (sender.way === "checks") {
      // So that its word counts for something.
      const forged = compose(sender, it, { key: sender.key(sender.secret()) });
      await assert.rejects(async () => sender.official(it, forged), `${sender.sdk} takes another secret's signature`);
    }
    const request = sender.way === "signs" ? signedBy(theirs, ours, sender) : ours;
    const answer = await send(attache.public, request);
    assert.equal(answer.status, 202, `${answer.status} ${answer.error} ${answer.body}`);
    const [record, ...more] = target.taken(sender.name);
    assert.deepEqual(more, []);
    assert.deepEqual(record.body, request.body);
    assert.equal(record.headers["attache-webhook-verified"], "true");
    assert.equal(record.headers["attache-webhook-connection"], sender.name);
  });

  for (const mutation of mutations) {
    test(`${sender.name}: ${mutation.name}`, async () => {
      const requests = broken(mutation, sender);
      if (typeof requests === "string") return void (outcomes[sender.name][mutation.name] = requests);
      assert.ok(requests.length > 0);
      target.taken(sender.name);
      const expected = codeOf(mutation, sender);
      for (const [number, request] of requests.entries()) {
        const answer = await send(attache.public, request);
        const what = `variant ${number}: ${JSON.stringify({ ...request, body: request.body.toString() })}`;
        assert.deepEqual([answer.error, answer.status], [expected, sender.status ?? 401], what);
      }
      assert.deepEqual(target.taken(sender.name), [], "something was forwarded");
      outcomes[sender.name][mutation.name] = true;
    });
  }
}

test("an empty secret is refused before anything is served", () => {
  const file = join(attache.folder, "empty.json");
  const configured = JSON.parse(readFileSync(join(attache.folder, "attache.yaml"), "utf8"));
  for (const it of Object.values(configured.connections)) it.credentials.secret = "";
  writeFileSync(file, JSON.stringify(configured, null, 1));
  const { status, stderr } = spawnSync(scene.attache, ["config", "check", file], { encoding: "utf8" });
  assert.equal(status, 2, stderr);
  for (const { name } of senders) assert.match(stderr, new RegExp(`connections\\.${name}\\.credentials\\.secret`), name);
});

test("docs/webhooks-proof.md says what was run", async () => {
  const made = await table(senders, outcomes);
  assert.equal(written(made), made, "write it with PEERS_WRITE=1");
});

/** The SDK's own request. What our few lines made in their place has to be the very same, as the mutations are made by them. */
function signedBy(theirs, ours, sender) {
  const body = theirs.body ? Buffer.from(theirs.body) : ours.body;
  assert.deepEqual(body, ours.body);
  const names = Object.keys(theirs).filter((it) => it !== "body").map((it) => it.toLowerCase());
  const made = Object.fromEntries(ours.headers.map(([name, it]) => [name.toLowerCase(), it]));
  for (const [name, it] of Object.entries(theirs)) {
    if (name !== "body" && !sender.besides?.includes(name)) assert.equal(made[name.toLowerCase()], it, `${sender.name}: ${name}`);
  }
  const others = ours.headers.filter(([name]) => !names.includes(name.toLowerCase()));
  return { ...ours, body, headers: [...others, ...Object.entries(theirs).filter(([name]) => name !== "body")] };
}
