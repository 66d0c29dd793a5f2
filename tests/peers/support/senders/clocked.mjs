// Senders who sign a clock as well.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import bolt from "@slack/bolt";
import { signRequest, verifyRequest } from "@contentful/node-apps-toolkit";
import { generateWebhookSignature, verifyWebhookSignature } from "@hygraph/utils";
import { LinearWebhookClient } from "@linear/sdk/webhooks";
import Mux from "@mux/mux-node";
import { encodeSignatureHeader, assertValidSignature } from "@sanity/webhook";
import { WorkOS } from "@workos-inc/node";
import { Cashfree } from "cashfree-pg";
import { WebhookSignatureValidator } from "mercadopago";
import OpenAI from "openai";
import { Paddle } from "@paddle/paddle-node-sdk";
import Pusher from "pusher";
import { Resend } from "resend";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as Svix } from "svix";
import { WebflowClient } from "webflow-api";
import { base64, base64url, event, header, list, sender } from "./request.mjs";

const text = ({ body }) => body.toString();
const lowered = (request) => Object.fromEntries(request.headers.map(([name, it]) => [name.toLowerCase(), it]));
const seconds = (past, future = past) => ({ format: "s", past, future });
const millis = (past, future = past) => ({ format: "ms", past, future });
const dotted = ({ at, body }) => `${at}.${body}`;
const moment = ({ at }) => new Date(Number(at) * 1000);

/** The scheme of Standard Webhooks under the header names of this sender. */
const standard = (it, names = "webhook") => ({
  way: "checks",
  secret: () => `whsec_${base64(randomBytes(24))}`,
  key: (secret) => Buffer.from(secret.slice("whsec_".length), "base64"),
  encode: base64,
  clock: seconds(300),
  content: ({ id, at, body }) => `${id}.${at}.${body}`,
  place: list(`${names}-signature`, { separator: " ", label: "v1,", clock: `${names}-timestamp` }),
  headers: ({ id }) => [[`${names}-id`, id]],
  ...it,
});

/** A member of JSON whose value is a clock: a number, or whatever else was to be sent. */
const clockMember = (name, at) => `, "${name}": ${/^\d+$/.test(at) ? at : JSON.stringify(at)} }`;
const withClock = (name) => (at) => event().replace(/ }$/, clockMember(name, at));
const memberTwice = (name) => (body, at) => {
  const other = String(Number(at) - 1000);
  const both = (one, two) => clockMember(name, one).slice(0, -" }".length) + clockMember(name, two);
  return [both(at, other), both(other, at), both(at, at)].map((members) => body.replace(clockMember(name, at), members));
};

export default [
  sender({
    name: "stripe", sdk: "stripe", way: "signs", preset: "stripe",
    secret: () => `whsec_${randomBytes(24).toString("base64url")}`,
    clock: seconds(300), content: dotted,
    place: list("Stripe-Signature", { separator: ",", label: "v1=", clockLabel: "t=" }),
    official(it) {
      const { webhooks } = new Stripe("sk_unused");
      const header = webhooks.generateTestHeaderString({ payload: text(it), timestamp: Number(it.at), secret: it.secret });
      webhooks.constructEvent(text(it), header, it.secret);
      return { "Stripe-Signature": header };
    },
  }),
  sender({
    name: "mux", sdk: "@mux/mux-node", preset: "mux",
    clock: seconds(300), content: dotted,
    place: list("Mux-Signature", { separator: ",", label: "v1=", clockLabel: "t=" }),
    official: (it, request) => new Mux({ tokenId: "x", tokenSecret: "x" }).webhooks.verifySignature(text(it), lowered(request), it.secret),
  }),
  sender({
    // The SDK writes the JSON anew before it hashes it, so that only a compact body is good to it.
    name: "workos", sdk: "@workos-inc/node", way: "signs", preset: "workos",
    clock: millis(180), content: dotted,
    body: () => JSON.stringify({ id: `wh_${randomUUID()}`, event: "user.created", data: { object: "user" }, note: "flip-me" }),
    place: list("WorkOS-Signature", { separator: ", ", label: "v1=", clockLabel: "t=" }),
    async official(it) {
      const { webhooks } = new WorkOS("sk_unused");
      const payload = JSON.parse(text(it));
      const header = `t=${it.at}, v1=${await webhooks.computeSignature(it.at, payload, it.secret)}`;
      await webhooks.verifyHeader({ payload, sigHeader: header, secret: it.secret });
      return { "WorkOS-Signature": header };
    },
  }),
  sender({
    name: "sanity", sdk: "@sanity/webhook", way: "signs", preset: "sanity", encode: base64url,
    clock: millis(300), content: dotted,
    place: list("sanity-webhook-signature", { separator: ",", label: "v1=", clockLabel: "t=" }),
    async official(it) {
      const header = await encodeSignatureHeader(text(it), Number(it.at), it.secret);
      await assertValidSignature(text(it), header, it.secret);
      return { "sanity-webhook-signature": header };
    },
  }),
  sender({
    name: "paddle-billing", sdk: "@paddle/paddle-node-sdk", preset: "paddle-billing",
    clock: seconds(5), content: ({ at, body }) => `${at}:${body}`,
    body: () => event({ notification_id: `ntf_${randomUUID()}` }),
    place: list("Paddle-Signature", { separator: ";", label: "h1=", clockLabel: "ts=" }),
    async official(it, request) {
      const client = new Paddle("unused", { logLevel: "error" });
      assert.ok(await client.webhooks.isSignatureValid(text(it), it.secret, lowered(request)["paddle-signature"]));
    },
  }),
  sender({
    name: "mercadopago", sdk: "mercadopago", preset: "mercadopago",
    rest: "?data.id=pay-{uuid}&type=payment", clock: seconds(300),
    headers: ({ id }) => [["x-request-id", id]],
    content: ({ hook, id, at }) => `id:${new URLSearchParams(hook.split("?")[1]).get("data.id")};request-id:${id};ts:${at};`,
    place: list("x-signature", { separator: ",", label: "v1=", clockLabel: "ts=" }),
    flip: (request) => ({ ...request, hook: request.hook.replace("data.id=pay-", "data.id=pax-") }),
    spared: { BOM: "the body is not signed", "body re-serialised": "the body is not signed" },
    official: (it, request) => WebhookSignatureValidator.validate({
      xSignature: lowered(request)["x-signature"], xRequestId: it.id, secret: it.secret, toleranceSeconds: 300,
      dataId: new URLSearchParams(it.hook.split("?")[1]).get("data.id"),
    }),
  }),
  sender({
    name: "slack", sdk: "@slack/bolt", preset: "slack",
    type: "application/x-www-form-urlencoded",
    body: () => `token=x&team_id=T1&command=%2Fweather&text=flip-me+caf%c3%a9&trigger_id=${randomUUID()}`,
    rewritten: (body) => [body.replace("%c3%a9", "%C3%A9"), body.replace("+", "%20"), `${body}&`],
    clock: seconds(300), content: ({ at, body }) => `v0:${at}:${body}`,
    place: header("X-Slack-Signature", { prefix: "v0=", clock: "X-Slack-Request-Timestamp" }),
    official: (it, request) => bolt.verifySlackRequest({ signingSecret: it.secret, body: text(it), headers: lowered(request) }),
  }),
  sender({
    name: "webflow", sdk: "webflow-api", preset: "webflow",
    clock: millis(300), content: ({ at, body }) => `${at}:${body}`,
    place: header("x-webflow-signature", { clock: "x-webflow-timestamp" }),
    official: async (it, request) => assert.ok(
      await new WebflowClient({ accessToken: "unused" }).webhooks.verifySignature({
        headers: lowered(request), body: text(it), secret: it.secret,
      }),
    ),
  }),
  sender({
    name: "cashfree", sdk: "cashfree-pg", preset: "cashfree", encode: base64,
    clock: millis(300), content: ({ at, body }) => `${at}${body}`,
    place: header("x-webhook-signature", { clock: "x-webhook-timestamp" }),
    official(it, request) {
      const client = new Cashfree(1, "unused", it.secret);
      const headers = lowered(request);
      client.PGVerifyWebhookSignature(headers["x-webhook-signature"], text(it), headers["x-webhook-timestamp"]);
    },
  }),
  sender(standard({
    name: "standard-webhooks", sdk: "standardwebhooks", way: "signs", preset: "standard-webhooks",
    official: (it) => ({ "webhook-signature": new Webhook(it.secret).sign(it.id, moment(it), text(it)) }),
  })),
  sender(standard({
    name: "svix", sdk: "svix", way: "signs", preset: "svix",
    official: (it) => ({ "svix-signature": new Svix(it.secret).sign(it.id, moment(it), text(it)) }),
  }, "svix")),
  sender(standard({
    name: "resend", sdk: "resend", preset: "resend",
    official(it, request) {
      const headers = { id: it.id, timestamp: it.at, signature: lowered(request)["svix-signature"] };
      new Resend("re_unused").webhooks.verify({ payload: text(it), headers, webhookSecret: it.secret });
    },
  }, "svix")),
  sender(standard({
    name: "openai", sdk: "openai", preset: "openai",
    official: (it, request) => new OpenAI({ apiKey: "unused" }).webhooks.verifySignature(text(it), lowered(request), it.secret),
  })),
  sender({
    name: "linear", sdk: "@linear/sdk", preset: "linear",
    clock: millis(60), body: withClock("webhookTimestamp"), clockTwice: memberTwice("webhookTimestamp"),
    place: header("Linear-Signature"),
    headers: ({ id }) => [["Linear-Delivery", id]],
    official: (it, request) => assert.ok(new LinearWebhookClient(it.secret).verify(it.body, lowered(request)["linear-signature"])),
  }),
  sender({
    name: "pusher", sdk: "pusher", preset: "pusher", account: "app-key-1",
    clock: millis(300), body: withClock("time_ms"), clockTwice: memberTwice("time_ms"),
    place: header("X-Pusher-Signature"),
    headers: ({ account }) => [["X-Pusher-Key", account]],
    official(it, request) {
      const client = new Pusher({ appId: "1", key: it.account, secret: it.secret, cluster: "eu" });
      assert.ok(client.webhook({ headers: lowered(request), rawBody: text(it) }).isValid());
    },
  }),
  sender({
    name: "contentful", sdk: "@contentful/node-apps-toolkit", way: "signs", preset: "contentful",
    secret: () => randomBytes(32).toString("hex"), clock: millis(30),
    rest: "/entries?kind=a b&x=%C3%A9".replace(" ", "%20"),
    content({ hook, at, body }) {
      const headers = [["x-contentful-signed-headers", signed], ["x-contentful-timestamp", at], topic];
      return ["POST", canonical(hook), headers.map((it) => it.join(":")).join(";"), body].join("\n");
    },
    headers: () => [topic, ["x-contentful-signed-headers", signed]],
    place: header("x-contentful-signature", { clock: "x-contentful-timestamp" }),
    official(it, request) {
      const asked = { method: "POST", path: it.hook, headers: Object.fromEntries([topic]), body: text(it) };
      const headers = signRequest(it.secret, asked, Number(it.at));
      assert.ok(verifyRequest(it.secret, { ...asked, headers: Object.fromEntries(request.headers) }));
      return headers;
    },
  }),
  sender({
    name: "hygraph", sdk: "@hygraph/utils", way: "signs", preset: "hygraph", encode: base64,
    clock: millis(300),
    content({ at, body }) {
      const TimeStamp = /^\d+$/.test(at) ? Number(at) : at;
      return JSON.stringify({ Body: body.toString(), EnvironmentName: "master", TimeStamp });
    },
    place: list("gcms-signature", { separator: ", ", label: "sign=", clockLabel: "t=", others: () => ["env=master"], last: true }),
    official(it, request) {
      const now = Date.now;
      try {
        Date.now = () => Number(it.at);
        const signature = generateWebhookSignature({ secret: it.secret, rawPayload: text(it) });
        assert.ok(verifyWebhookSignature({ signature, secret: it.secret, rawPayload: text(it) }));
        return { "gcms-signature": signature };
      } finally {
        Date.now = now;
      }
    },
  }),
];

const topic = ["x-contentful-topic", "ContentManagement.Entry.publish"];
const signed = "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic";

/** The path as Contentful signs it: the query escaped once more, as a whole, and then all of it as a URL. */
function canonical(hook) {
  const [path, query] = hook.split("?");
  return encodeURI(`${path}?${encodeURIComponent(query)}`);
}
