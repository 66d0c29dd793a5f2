// Webhooks signed by the providers' own SDKs come in verified; the same SDKs verify what was forwarded.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { test } from "node:test";
import { sign as signGithub, verify as verifyGithub } from "@octokit/webhooks-methods";
import "@shopify/shopify-api/adapters/node";
import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import { createSHA256HMAC } from "@shopify/shopify-api/runtime";
import bolt from "@slack/bolt";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { scene, seen } from "./support/scene.mjs";

const { secrets } = scene;
const stripe = new Stripe("sk_unused");
const shopify = shopifyApi({
  apiKey: "unused", apiSecretKey: secrets.shopify, hostName: "shop.test", isEmbeddedApp: false,
  apiVersion: ApiVersion.January26 ?? Object.values(ApiVersion)[0], logger: { log: () => {} },
});
const nowS = () => Math.floor(Date.now() / 1000);
const standard = (secret) => ({
  body: () => '{"type":"user.created","data":{"id":"ü"}}',
  async sign(body) {
    const id = `msg_${randomUUID()}`;
    const at = new Date();
    return {
      "webhook-id": id,
      "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`,
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    };
  },
  verify: (body, headers) => new Webhook(secret).verify(body, headers),
  id: (headers) => headers["webhook-id"],
});

/** For each provider: a body with what re-serialising would lose, the SDK's signature, the SDK's verifier. */
const providers = {
  github: {
    body: () => '{"zen": "Ünïcode  stays",\n "number":1.0, "n":"\\u00e9"}',
    sign: async (body) => ({
      "x-github-event": "ping",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": await signGithub(secrets.github, body),
    }),
    async verify(body, headers) {
      assert.ok(await verifyGithub(secrets.github, body.toString(), headers["x-hub-signature-256"]));
    },
    id: (headers) => headers["x-github-delivery"],
  },
  stripe: {
    body: () => `{"id":"evt_${randomUUID()}", "object":"event",  "type":"charge.succeeded"}`,
    sign: async (payload) => ({
      "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload, secret: secrets.stripe }),
    }),
    async verify(body, headers) {
      const event = stripe.webhooks.constructEvent(body, headers["stripe-signature"], secrets.stripe);
      assert.equal(event.type, "charge.succeeded");
    },
  },
  slack: {
    body: () => `token=x&team_id=T1&command=%2Fweather&text=94070&trigger_id=${randomUUID()}`,
    type: "application/x-www-form-urlencoded",
    // Slack's SDKs verify but do not sign: this is the scheme as its documentation gives it.
    async sign(body) {
      const at = `${nowS()}`;
      const mac = createHmac("sha256", secrets.slack).update(`v0:${at}:${body}`).digest("hex");
      return { "x-slack-request-timestamp": at, "x-slack-signature": `v0=${mac}` };
    },
    async verify(body, headers) {
      bolt.verifySlackRequest({ signingSecret: secrets.slack, body: body.toString(), headers });
    },
  },
  shopify: {
    body: () => '{"id":820982911946154508,"email":"jon@example.com"}',
    sign: async (body) => ({
      "x-shopify-topic": "orders/create",
      "x-shopify-shop-domain": "shop.test",
      "x-shopify-api-version": "2026-01",
      "x-shopify-webhook-id": randomUUID(),
      "x-shopify-hmac-sha256": await createSHA256HMAC(secrets.shopify, body),
    }),
    async verify(body, headers) {
      const rawRequest = { method: "POST", url: "/", headers };
      const checked = await shopify.webhooks.validate({ rawBody: body.toString(), rawRequest });
      assert.ok(checked.valid, JSON.stringify(checked));
    },
    id: (headers) => headers["x-shopify-webhook-id"],
  },
  standard: standard(secrets.standard),
};

const post = (hook, body, headers, type = "application/json") =>
  fetch(`${scene.public}/hooks/${hook}`, { method: "POST", body, headers: { "content-type": type, ...headers } });

async function refused(answer, code, under) {
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get("attache-error"), code);
  assert.deepEqual(await seen(under), []);
}

for (const [name, provider] of Object.entries(providers)) {
  const under = `/hooks/${name}`;

  test(`${name}: what the SDK signed is forwarded byte for byte, and the SDK still verifies it`, async () => {
    const body = provider.body();
    const headers = await provider.sign(body);
    const forged = { "attache-webhook-verified": "true", "attache-webhook-connection": "another" };
    const answer = await post(`${name}-hooks`, body, { ...headers, ...forged }, provider.type);
    assert.equal(answer.status, 202, await answer.text());
    const [record, ...more] = await seen(under);
    assert.deepEqual(more, []);
    const bytes = Buffer.from(record.body, "base64");
    assert.equal(bytes.toString(), body);
    assert.equal(record.headers["attache-webhook-verified"], "true");
    assert.equal(record.headers["attache-webhook-connection"], `${name}-hooks`);
    if (provider.id) assert.equal(record.headers["attache-webhook-id"], provider.id(headers));
    assert.equal(record.headers["content-type"], provider.type ?? "application/json");
    await provider.verify(bytes, record.headers);
  });

  test(`${name}: a body changed by one byte is refused, and nothing is forwarded`, async () => {
    const body = provider.body();
    const answer = await post(`${name}-hooks`, `${body} `, await provider.sign(body), provider.type);
    await refused(answer, "webhook_bad_signature", under);
  });

  test(`${name}: no signature is refused, and nothing is forwarded`, async () => {
    const answer = await post(`${name}-hooks`, provider.body(), {}, provider.type);
    await refused(answer, "webhook_unsigned", under);
  });
}

test("stripe: a signature of ten minutes ago is stale", async () => {
  const payload = providers.stripe.body();
  const timestamp = nowS() - 600;
  const header = stripe.webhooks.generateTestHeaderString({ payload, timestamp, secret: secrets.stripe });
  await refused(await post("stripe-hooks", payload, { "stripe-signature": header }), "webhook_stale", "/hooks/stripe");
});

test("stripe: while secrets rotate, the old one's signature verifies as well", async () => {
  const payload = providers.stripe.body();
  const header = stripe.webhooks.generateTestHeaderString({ payload, secret: secrets.stripeOld });
  assert.equal((await post("stripe-hooks", payload, { "stripe-signature": header })).status, 202);
  assert.equal((await seen("/hooks/stripe")).length, 1);
});

test("github: a repeat of an accepted delivery is answered 200 and not forwarded again", async () => {
  const body = providers.github.body();
  const headers = await providers.github.sign(body);
  assert.equal((await post("github-hooks", body, headers)).status, 202);
  assert.equal((await post("github-hooks", body, headers)).status, 200);
  assert.equal((await seen("/hooks/github")).length, 1);
});

test("standard: each tenant's secret verifies only that tenant's deliveries", async () => {
  const ours = standard(secrets.tenantA);
  const body = ours.body();
  const right = await post("tenant-hooks@a/orders?x=1", body, await ours.sign(body));
  assert.equal(right.status, 202, await right.text());
  const [record] = await seen("/hooks/tenants");
  assert.equal(record.url, "/hooks/tenants/orders?x=1");
  assert.equal(record.headers["attache-webhook-tenant"], "a");
  await refused(await post("tenant-hooks@b/orders", body, await ours.sign(body)), "webhook_bad_signature", "/hooks/tenants");
});
