// What senders ask of an address before they send to it, as their documents describe it: the answer's bytes, and who gets none.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { Attache, assertTold, soon } from "./support/attache.mjs";
import { PUBLIC, hmac, nowS } from "./support/senders/request.mjs";
import { Target, hangUp, send } from "./support/senders/post.mjs";

const attache = new Attache();
const fresh = () => randomBytes(18).toString("base64url");
const secrets = Object.fromEntries(["meta", "slack", "zoom", "dropbox", "microsoft-graph", "trello", "x"].map((it) => [it, fresh()]));
const verifyToken = fresh();
const JSON_TYPE = ["content-type", "application/json"];
let target;

before(async () => {
  target = await Target.start();
  const [connectors, connections] = [{}, {}];
  for (const [name, secret] of Object.entries(secrets)) {
    connectors[name] = { auth: { main: { hmac: { preset: name } } } };
    connections[name] = { connector: name, auth: "main", base_url: `${target.url}/${name}`, credentials: { secret } };
  }
  connections.meta.credentials.verify_token = verifyToken;
  const anywhere = { listen: "127.0.0.1:0" };
  const admin = { ...anywhere, token: attache.token };
  const server = { proxy: anywhere, admin, public: { ...anywhere, url: PUBLIC }, shutdown: { ready_delay: "0s" } };
  attache.more = { server, connectors, connections };
  await attache.run();
});

after(async () => {
  hangUp();
  await attache.stop();
  await target.stop();
});

const ask = (method, hook, { headers = [], body = "" } = {}) => send(attache.public, { method, hook, headers, body: Buffer.from(body) });
const deliver = async (name, headers, body) => {
  const answer = await ask("POST", `/hooks/${name}`, { headers: [JSON_TYPE, ...headers], body });
  return { ...answer, taken: target.taken(name) };
};

/** 200 with exactly this body and type; not to be kept, not to be guessed at, and forwarded to nobody. */
function answered(answer, body, type) {
  assert.equal(answer.status, 200, `${answer.error} ${answer.body}`);
  assert.equal(answer.body.toString(), body);
  if (type) assert.equal(answer.headers["content-type"].replace(/; *charset=utf-8$/i, ""), type);
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.deepEqual(target.records, [], "a handshake was forwarded");
}

function refused(answer, error, status = 401) {
  assert.deepEqual([answer.error, answer.status], [error, status], `${answer.body}`);
  assert.deepEqual(target.records, [], "what was refused was forwarded");
}

/** A delivery that is signed comes through where the handshake did. */
async function comesIn(name, headers, body) {
  const answer = await deliver(name, headers, body);
  assert.equal(answer.status, 202, `${answer.error}`);
  assert.deepEqual(answer.taken.map((it) => it.body.toString()), [body]);
}

const hex = (secret, content, hash = "sha256") => hmac(hash, secret, content).toString("hex");
const base64 = (secret, content, hash = "sha256") => hmac(hash, secret, content).toString("base64");

// developers.facebook.com, "Webhooks: Getting Started", "Verification Requests".
test("Meta: the challenge is echoed to who shows the verify token", async () => {
  const query = (token) => `?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`;
  answered(await ask("GET", `/hooks/meta${query(verifyToken)}`), "1158201444", "text/plain");
  refused(await ask("GET", `/hooks/meta${query("meatyhamhock")}`), "webhook_bad_signature");
  refused(await ask("GET", `/hooks/meta${query("")}`), "webhook_bad_signature");
  refused(await ask("GET", "/hooks/meta?hub.mode=subscribe&hub.challenge=1158201444"), "webhook_unsigned");
  refused(await ask("GET", `/hooks/meta${query("meatyhamhock")}&hub.verify_token=${verifyToken}`), "webhook_bad_signature");
  const body = '{"object": "page", "entry": [{"text": "\\u00e4\\/"}]}';
  await comesIn("meta", [["X-Hub-Signature-256", `sha256=${hex(secrets.meta, body)}`]], body);
});

// docs.slack.dev, "url_verification event".
test("Slack: the challenge is echoed once its signature is right", async () => {
  const challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
  const body = JSON.stringify({ token: "Jhj5dZrVaK7ZwHHjRyZWjbDl", challenge, type: "url_verification" });
  const signed = (secret, at = nowS()) => {
    const signature = `v0=${hex(secret, `v0:${at}:${body}`)}`;
    return [["X-Slack-Request-Timestamp", `${at}`], ["X-Slack-Signature", signature], JSON_TYPE];
  };
  const asked = (headers) => ask("POST", "/hooks/slack", { headers, body });
  answered(await asked(signed(secrets.slack)), `{"challenge":"${challenge}"}`, "application/json");
  refused(await asked([JSON_TYPE]), "webhook_unsigned");
  refused(await asked(signed("another")), "webhook_bad_signature");
  refused(await asked(signed(secrets.slack, nowS() - 600)), "webhook_stale");
});

// developers.zoom.us, "Webhooks", "Validate your webhook endpoint".
test("Zoom: the plain token is answered with its HMAC, to nobody but Zoom", async () => {
  const body = '{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}';
  const at = `${nowS()}`;
  const signed = (secret) => {
    const signature = `v0=${hex(secret, `v0:${at}:${body}`)}`;
    return [["x-zm-request-timestamp", at], ["x-zm-signature", signature], JSON_TYPE];
  };
  const expected = `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"${hex(secrets.zoom, "qgg8vlvZRS6UYooatFL8Aw")}"}`;
  const answer = await ask("POST", "/hooks/zoom", { headers: signed(secrets.zoom), body });
  answered(answer, inItsOrder(answer.body, expected), "application/json");
  // Whoever could ask unsigned would have every delivery's signature from us.
  refused(await ask("POST", "/hooks/zoom", { headers: [JSON_TYPE], body }), "webhook_unsigned");
  refused(await ask("POST", "/hooks/zoom", { headers: signed("another"), body }), "webhook_bad_signature");
});

// www.dropbox.com/developers, "Webhooks", "The verification request".
test("Dropbox: the challenge is echoed as plain text, for anybody", async () => {
  answered(await ask("GET", "/hooks/dropbox?challenge=abc-123_%3Cb%3E"), "abc-123_<b>", "text/plain");
  const body = '{"list_folder": {"accounts": ["dbid:AAH4f99"]}, "delta": {"users": [12345678]}}';
  await comesIn("dropbox", [["X-Dropbox-Signature", hex(secrets.dropbox, body)]], body);
  refused(await ask("POST", "/hooks/dropbox?challenge=abc", { headers: [JSON_TYPE], body }), "webhook_unsigned");
  refused(await ask("GET", "/hooks/dropbox?challenge=a&challenge=b"), "method_not_allowed", 405);
});

// learn.microsoft.com, "Receive change notifications through webhooks", "notificationUrl validation".
test("Microsoft Graph: the validation token is echoed decoded, and notifications show the client state", async () => {
  const hook = "/hooks/microsoft-graph?validationToken=Validation%3A+Testing+client+application+reachability+Request-Id%3A+1";
  const text = "Validation: Testing client application reachability Request-Id: 1";
  answered(await ask("POST", hook, { headers: [["content-type", "text/plain; charset=utf-8"]] }), text, "text/plain");
  const notification = (...states) =>
    JSON.stringify({ value: states.map((clientState) => ({ id: randomUUID(), changeType: "updated", clientState })) });
  await comesIn("microsoft-graph", [], notification(secrets["microsoft-graph"], secrets["microsoft-graph"]));
  refused(await deliver("microsoft-graph", [], notification(secrets["microsoft-graph"], "another")), "webhook_bad_signature");
  refused(await deliver("microsoft-graph", [], '{"value": []}'), "webhook_unsigned");
});

// developer.atlassian.com, "Trello: Webhooks", "Webhook Creation" and "Webhook Signatures".
test("Trello: HEAD is answered 200, and deliveries are signed with the address", async () => {
  const answer = await ask("HEAD", "/hooks/trello");
  answered(answer, "");
  const body = '{"action": {"id": "51f9424bcd6e040f3c002412", "type": "updateBoard"}}';
  const signature = base64(secrets.trello, `${body}${PUBLIC}/hooks/trello`, "sha1");
  await comesIn("trello", [["X-Trello-Webhook", signature]], body);
  const elsewhere = base64(secrets.trello, `${body}${PUBLIC}/hooks/other`, "sha1");
  refused(await deliver("trello", [["X-Trello-Webhook", elsewhere]], body), "webhook_bad_signature");
});

// docs.x.com, "Webhooks", "Challenge-Response Checks".
test("X: the CRC token is answered with its HMAC, and nothing that could be an event", async () => {
  const token = "MGNjN2ZlZjMtYjU2Yi00ZDIw";
  answered(await ask("GET", `/hooks/x?crc_token=${token}&nonce=1`), `{"response_token":"sha256=${base64(secrets.x, token)}"}`, "application/json");
  const event = '{"for_user_id": "2244994945", "tweet_create_events": []}';
  for (const forged of [event, "{}", "a b", "x".repeat(65), ""]) {
    refused(await ask("GET", `/hooks/x?crc_token=${encodeURIComponent(forged)}`), "webhook_bad_signature");
  }
  refused(await ask("GET", "/hooks/x?crc_token=a&crc_token=b"), "method_not_allowed", 405);
  refused(await ask("POST", `/hooks/x?crc_token=${token}`, { headers: [JSON_TYPE], body: event }), "webhook_unsigned");
  await comesIn("x", [["x-twitter-webhooks-signature", `sha256=${base64(secrets.x, event)}`]], event);
});

/** A stored connection without a secret: it waits for the sender's. */
async function waiting(name) {
  await attache.send("PUT", `connectors/${name}`, { auth: { main: { hmac: { preset: name } } } });
  await attache.send("PUT", `connections/${name}`, { connector: name, auth: "main", base_url: `${target.url}/${name}` });
}

/** As soon as what was handed over has gone round, a delivery with it comes in. */
const comesInSoon = (name, headers, body) =>
  soon(`${name}'s secret`, async () => {
    const answer = await deliver(name, headers, body);
    if (answer.status === 202) assert.deepEqual(answer.taken.map((it) => it.body.toString()), [body]);
    else assert.deepEqual(answer.taken, []);
    return answer.status === 202;
  });

// developers.asana.com, "Webhooks guide", "The webhook handshake".
test("Asana: the secret in the first request is kept once, echoed, and deliveries are signed with it", async () => {
  await waiting("asana");
  const [body, secret] = ['{"events": [{"action": "changed"}]}', fresh()];
  refused(await deliver("asana", [["X-Hook-Signature", hex("", body)]], body), "webhook_unsigned");
  const hand = (it) => ask("POST", "/hooks/asana", { headers: [JSON_TYPE, ["X-Hook-Secret", it]], body: "{}" });
  const answer = await hand(secret);
  answered(answer, "");
  assert.equal(answer.headers["x-hook-secret"], secret);
  await comesInSoon("asana", [["X-Hook-Signature", hex(secret, body)]], body);
  // Senders try again; whoever comes later with another one is nobody.
  answered(await hand(secret), "");
  const late = await hand(fresh());
  refused(late, "webhook_bad_signature");
  assert.equal(late.headers["x-hook-secret"], undefined);
  assertTold(attache.said(), [secret]);
});

// developers.notion.com, "Webhooks", "Verify your subscription".
test("Notion: the verification token is kept once, shown once to the operator, and deliveries are signed with it", async () => {
  await waiting("notion");
  const token = `secret_${fresh()}`;
  const hand = (it) => ask("POST", "/hooks/notion", { headers: [JSON_TYPE], body: JSON.stringify({ verification_token: it }) });
  answered(await hand(token), "");
  assert.deepEqual(await attache.ask("POST", "connections/notion/webhook/reveal"), { status: 200, said: { secret: token } });
  const again = await attache.ask("POST", "connections/notion/webhook/reveal");
  assert.ok(again.status >= 400 && !JSON.stringify(again.said).includes(token), JSON.stringify(again));
  const body = `{"id": "${randomUUID()}",  "type": "page.created"}`;
  await comesInSoon("notion", [["X-Notion-Signature", `sha256=${hex(token, body)}`]], body);
  refused(await hand(`secret_${fresh()}`), "webhook_bad_signature");
  assertTold(attache.said(), [token]);
});

/** `expected` with its members in the order that `body` has them, if those are all there are. */
function inItsOrder(body, expected) {
  const [said, wanted] = [JSON.parse(body.toString()), JSON.parse(expected)];
  assert.deepEqual(said, wanted);
  return JSON.stringify(said);
}
