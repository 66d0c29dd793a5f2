// Senders who sign URLs and form fields, put the signature into the body, or have a private key.
import assert from "node:assert/strict";
import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, randomUUID, sign as signWith } from "node:crypto";
import braintree from "braintree";
import { verifyKey } from "discord-interactions";
import { EventCallback, EventCallbackHelper } from "@dropbox/sign";
import plivo from "plivo";
import { EventWebhook } from "@sendgrid/eventwebhook";
import twilio from "twilio";
import { SIGNATURE, base64, event, header, hmac, inBody, list, sender } from "./request.mjs";

const FORM = "application/x-www-form-urlencoded";
const text = ({ body }) => body.toString();
const pairs = (it) => [...new URLSearchParams(text(it))];
const lowered = (request) => Object.fromEntries(request.headers.map(([name, it]) => [name.toLowerCase(), it]));

/** Names with their values, those that come again in a list: as the SDKs take forms. */
export function grouped(form) {
  const names = [...new Set(form.map(([name]) => name))];
  const values = (wanted) => form.filter(([name]) => name === wanted).map(([, it]) => it);
  return Object.fromEntries(names.map((name) => [name, values(name).length > 1 ? values(name) : values(name)[0]]));
}

/** Twilio's: the URL, then every field by name, the values of one name once each and in order. */
const byField = ({ url, ...it }) => {
  const sorted = Object.entries(grouped(pairs(it))).sort(([one], [other]) => (one < other ? -1 : 1));
  return url + sorted.map(([name, values]) => [...new Set([values].flat())].sort().map((it) => name + it).join("")).join("");
};

const call = () => `CallSid=CA${randomUUID()}&From=%2B14158675309&To=b&Digits=2&Digits=1&Digits=2&Caf%C3%A9=K%c3%a4se+x&note=flip-me`;
const formOnly = { BOM: undefined, "body re-serialised": "the decoded fields are signed, in an order of their own" };

export const twilioForm = {
  type: FORM, hash: "sha1", encode: base64, body: call, content: byField,
  rest: "/voice?x=1&y=%2F", place: header("X-Twilio-Signature"), spared: formOnly,
};

const privateKey = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ type: "pkcs8", format: "pem" });
const publicKey = (secret) => createPublicKey(createPrivateKey(secret));

/** Signed with a key of one's own: what attache has is the public one. */
const asymmetric = (it) => ({
  key: (secret) => createPrivateKey(secret),
  given: (secret) => publicKey(secret).export({ type: "spki", format: "pem" }),
  spared: { "empty secret": "there is no shared secret" },
  ...it,
});

/** What a verifier that took its key's text for a shared secret would take. */
const confused = (hashes, sender) => (it) => {
  const pem = Buffer.from(sender().given(it.secret));
  const keys = [pem, publicKey(it.secret).export({ type: "spki", format: "der" })];
  return hashes.flatMap((hash) => keys.map((key) => ({ hash, key })));
};

export default [
  sender({
    ...twilioForm, name: "twilio", sdk: "twilio", way: "signs", preset: "twilio",
    official(it) {
      const signature = twilio.getExpectedTwilioSignature?.(it.secret, it.url, grouped(pairs(it))) ?? expected(it.secret, it.url, grouped(pairs(it)));
      assert.ok(twilio.validateRequest(it.secret, signature, it.url, grouped(pairs(it))));
      return { "X-Twilio-Signature": signature };
    },
  }),
  sender({
    name: "twilio-json", sdk: "twilio", way: "signs", preset: "twilio", hash: "sha1", encode: base64,
    content: ({ url }) => url,
    place: header("X-Twilio-Signature"),
    bound: "bodySHA256",
    official(it) {
      const signature = expected(it.secret, it.url, {});
      assert.ok(twilio.validateRequestWithBody(it.secret, signature, it.url, text(it)));
      return { "X-Twilio-Signature": signature };
    },
  }),
  sender({
    name: "plivo-v2", sdk: "plivo", preset: "plivo-v2", encode: base64, type: FORM, body: call,
    rest: "/sms/{uuid}",
    headers: ({ id }) => [["X-Plivo-Signature-V2-Nonce", id]],
    content: ({ url, id }) => url.split("?")[0] + id,
    place: header("X-Plivo-Signature-V2"),
    flip: (request) => ({ ...request, hook: request.hook.replace("/sms/", "/smt/") }),
    spared: { BOM: "the body is not signed", "body re-serialised": "the body is not signed" },
    official: (it, request) => assert.ok(plivo.validateSignature(it.url, it.id, lowered(request)["x-plivo-signature-v2"], it.secret)),
  }),
  sender({
    name: "plivo-v3", sdk: "plivo", preset: "plivo-v3", encode: base64, type: FORM,
    body: () => `CallUUID=${randomUUID()}&From=%2B1415&Digits=2&Digits=1&note=flip-me`,
    rest: "/answer?b=2&a=1",
    headers: ({ id }) => [["X-Plivo-Signature-V3-Nonce", id]],
    content: ({ url, id, ...it }) => {
      const sorted = pairs(it).map((it) => it.join("")).sort().join("");
      return `${url.split("?")[0]}?a=1&b=2.${sorted}.${id}`;
    },
    place: list("X-Plivo-Signature-V3", { separator: ",", label: "" }),
    spared: formOnly,
    codes: { "moved label": "webhook_unsigned" },
    official: (it, request) => assert.ok(
      plivo.validateV3Signature("POST", it.url, it.id, it.secret, lowered(request)["x-plivo-signature-v3"], grouped(pairs(it))),
    ),
  }),
  sender({
    name: "dropbox-sign", sdk: "@dropbox/sign", preset: "dropbox-sign", type: FORM,
    body: () => callback(`${Math.floor(Date.now() / 1000)}`),
    content: (it) => { const { event_time, event_type } = JSON.parse(new URLSearchParams(text(it)).get("json")).event; return event_time + event_type; },
    place: inBody({
      twice: (body, good, bad) => [
        body.replace(good, `${good}%22%2C%22event_hash%22%3A%22${bad}`), body.replace(good, `${bad}%22%2C%22event_hash%22%3A%22${good}`),
        `${body}&${body}`, `${body}&json=%7B%7D`,
      ],
    }),
    moved: (it) => [JSON.stringify({ event: {} }), "{}"].map((json) => ({ body: `json=${encodeURIComponent(json)}`, it })),
    flip: (request) => ({ ...request, body: Buffer.from(text(request).replace("signature_request_sent", "signature_request_sens")) }),
    spared: { "body re-serialised": "two fields are signed, not the text" },
    official(it, request) {
      const data = JSON.parse(new URLSearchParams(text(request)).get("json"));
      assert.ok(EventCallbackHelper.isValid(it.secret, EventCallback.init(data)));
    },
  }),
  sender({
    name: "braintree", sdk: "braintree", way: "signs", preset: "braintree", account: "public-key-1", type: FORM,
    key: (secret) => createHash("sha1").update(secret).digest(), emptyKey: createHash("sha1").update("").digest(), hash: "sha1",
    body: () => notification(),
    content: (it) => new URLSearchParams(text(it)).get("bt_payload"),
    place: inBody({
      twice: (body, good, bad) => [
        `${body}&bt_signature=public-key-1%7C${bad}`, `bt_signature=public-key-1%7C${bad}&${body}`, `${body}&bt_signature=public-key-1%7C${good}`,
      ],
    }),
    flip: (request) => ({ ...request, body: Buffer.from(text(request).replace("bt_payload=", "bt_payload=AAAA")) }),
    spared: { "body re-serialised": "the decoded payload is signed" },
    async official(it, request) {
      const gateway = new braintree.BraintreeGateway({ environment: braintree.Environment.Sandbox, merchantId: "m", publicKey: it.account, privateKey: it.secret });
      const payload = new URLSearchParams(text(it)).get("bt_payload");
      const signature = gateway.webhookTesting.sampleSignature(payload);
      await gateway.webhookNotification.parse(signature, payload);
      return { body: text(it).replace(encodeURIComponent(`${it.account}|${SIGNATURE}`), encodeURIComponent(signature)) };
    },
  }),
];

const { getExpectedTwilioSignature: expected } = await import("twilio/lib/webhooks/webhooks.js").then((it) => it.default ?? it);

function callback(time) {
  const data = { event: { event_time: time, event_type: "signature_request_sent", event_hash: SIGNATURE, event_metadata: { reported_for_account_id: randomUUID() } } };
  return `json=${encodeURIComponent(JSON.stringify(data))}`;
}

function notification() {
  const xml = `<notification><timestamp type="datetime">2026-01-02T03:04:05Z</timestamp><kind>check</kind><subject><check type="boolean">true</check></subject><!-- ${randomUUID()} --></notification>`;
  const payload = `${Buffer.from(xml).toString("base64")}\n`;
  return `bt_signature=${encodeURIComponent(`public-key-1|${SIGNATURE}`)}&bt_payload=${encodeURIComponent(payload)}`;
}
