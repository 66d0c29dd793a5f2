// Senders with one signature over the raw body, and no clock.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { sign as signGithub, verify as verifyGithub } from "@octokit/webhooks-methods";
import "@shopify/shopify-api/adapters/node";
import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import { createSHA256HMAC } from "@shopify/shopify-api/runtime";
import * as line from "@line/bot-sdk";
import { signWebhookPayload, verifyWebhookSignature } from "@notionhq/client";
import Razorpay from "razorpay";
import coinbase from "coinbase-commerce-node";
import * as gocardless from "gocardless-nodejs/webhooks";
import EasyPost from "@easypost/api";
import MessageValidator from "viber-bot/lib/message/message-validator.js";
import kontent from "@kontent-ai/webhook-helper";
import { base64, event, header, sender } from "./request.mjs";

const value = (request, name) => request.headers.find(([it]) => it === name)[1];
const text = ({ body }) => body.toString();

export default [
  sender({
    name: "github", sdk: "@octokit/webhooks-methods", way: "signs", preset: "github",
    place: header("X-Hub-Signature-256", { prefix: "sha256=" }),
    headers: ({ id }) => [["X-GitHub-Event", "push"], ["X-GitHub-Delivery", id]],
    async official(it) {
      const signature = await signGithub(it.secret, text(it));
      assert.ok(await verifyGithub(it.secret, text(it), signature));
      return { "X-Hub-Signature-256": signature };
    },
  }),
  sender({
    name: "shopify", sdk: "@shopify/shopify-api", way: "signs", preset: "shopify", encode: base64,
    place: header("X-Shopify-Hmac-Sha256"),
    headers: ({ id }) => [
      ["X-Shopify-Topic", "orders/create"], ["X-Shopify-Shop-Domain", "shop.test"],
      ["X-Shopify-API-Version", "2026-01"], ["X-Shopify-Webhook-Id", id],
    ],
    async official(it, request) {
      const signature = await createSHA256HMAC(it.secret, text(it));
      const shopify = shopifyApi({
        apiKey: "unused", apiSecretKey: it.secret, hostName: "shop.test", isEmbeddedApp: false,
        apiVersion: Object.values(ApiVersion)[0], logger: { log: () => {} },
      });
      const rawRequest = { method: "POST", url: "/", headers: Object.fromEntries(request.headers) };
      const checked = await shopify.webhooks.validate({ rawBody: text(it), rawRequest });
      assert.ok(checked.valid, JSON.stringify(checked));
      return { "X-Shopify-Hmac-Sha256": signature };
    },
  }),
  sender({
    name: "line", sdk: "@line/bot-sdk", preset: "line", encode: base64,
    place: header("x-line-signature"),
    body: () => event({ destination: "U1", events: [{ type: "follow", webhookEventId: randomUUID() }] }),
    official: (it, request) => assert.ok(line.validateSignature(it.body, it.secret, value(request, "x-line-signature"))),
  }),
  sender({
    name: "notion", sdk: "@notionhq/client", way: "signs", preset: "notion",
    place: header("X-Notion-Signature", { prefix: "sha256=" }),
    secret: () => `secret_${randomUUID()}`,
    async official(it) {
      const signature = await signWebhookPayload({ body: text(it), verificationToken: it.secret });
      assert.ok(await verifyWebhookSignature({ body: text(it), verificationToken: it.secret, signature }));
      return { "X-Notion-Signature": signature };
    },
  }),
  sender({
    name: "razorpay", sdk: "razorpay", preset: "razorpay",
    place: header("X-Razorpay-Signature"),
    headers: ({ id }) => [["x-razorpay-event-id", id]],
    official: (it, request) => assert.ok(Razorpay.validateWebhookSignature(text(it), value(request, "X-Razorpay-Signature"), it.secret)),
  }),
  sender({
    name: "coinbase-commerce", sdk: "coinbase-commerce-node", way: "signs", preset: "coinbase-commerce",
    place: header("X-CC-Webhook-Signature"),
    body: () => event({ event: { id: randomUUID(), type: "charge:created" } }),
    official(it) {
      const signature = coinbase.Webhook.computeSignature(text(it), it.secret);
      coinbase.Webhook.verifyEventBody(text(it), signature, it.secret);
      return { "X-CC-Webhook-Signature": signature };
    },
  }),
  sender({
    name: "gocardless", sdk: "gocardless-nodejs", preset: "gocardless", status: 498,
    place: header("Webhook-Signature"),
    body: () => event({ events: [{ id: "EV1" }], meta: { webhook_id: randomUUID() } }),
    official: (it, request) => void gocardless.parse(text(it), it.secret, value(request, "Webhook-Signature")),
  }),
  sender({
    name: "easypost", sdk: "@easypost/api", preset: "easypost",
    place: header("X-Hmac-Signature", { prefix: "hmac-sha256-hex=" }),
    // What NFKD changes, so that a secret hashed as it is written does not do.
    secret: () => `s\u00e9cr\u00eat-\ufb01-${randomUUID()}`,
    key: (secret) => Buffer.from(secret.normalize("NFKD")),
    official: (it, request) => void new EasyPost("unused").Utils.validateWebhook(it.body, Object.fromEntries(request.headers), it.secret),
  }),
  sender({
    name: "viber", sdk: "viber-bot", preset: "viber",
    place: header("X-Viber-Content-Signature"),
    official(it, request) {
      const validator = new MessageValidator({ debug: () => {} }, it.secret);
      assert.ok(validator.validateMessage(value(request, "X-Viber-Content-Signature"), text(it)));
    },
  }),
  sender({
    name: "kontent-ai", sdk: "@kontent-ai/webhook-helper", way: "signs", preset: "kontent-ai", encode: base64,
    place: header("X-Kontent-ai-Signature"),
    official: (it) => ({ "X-Kontent-ai-Signature": kontent.signatureHelper.getHashFromString(text(it), it.secret) }),
  }),
];
