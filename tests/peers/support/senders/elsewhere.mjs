// Senders who sign URLs and form fields, or put the signature into the body.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import braintree from "braintree";
import { EventCallbackHelper } from "@dropbox/sign";
import plivo from "plivo";
import twilio from "twilio";
import { SIGNATURE, base64, event, header, inBody, list, nowS, sender } from "./request.mjs";

export const FORM = "application/x-www-form-urlencoded";
const FIELDS = "the decoded fields are signed, in an order of their own";
const UNSIGNED_BODY = "the body is not signed";
const text = ({ body }) => body.toString();
const value = (request, name) => request.headers.find(([it]) => it === name)[1];

export const formOf = (it) => [...new URLSearchParams(text(it))];

/** Names with their values, those that come again in a list: as the SDKs take forms. */
function grouped(form) {
  const all = {};
  for (const [name, it] of form) all[name] = name in all ? [all[name], it].flat() : it;
  return all;
}

/** Twilio's: the URL, then every field by name, the values of one name once each and in order. */
function byField({ url, ...it }) {
  const sorted = Object.entries(grouped(formOf(it))).sort(([one], [other]) => (one < other ? -1 : 1));
  return url + sorted.map(([name, values]) => [...new Set([values].flat())].sort().map((it) => name + it).join("")).join("");
}

/** A call as Twilio tells of it: a name that comes three times with two values, and what has to be decoded. */
export const twilioForm = {
  type: FORM, hash: "sha1", encode: base64, content: byField,
  body: () => `CallSid=CA${randomUUID()}&From=%2B14158675309&To=b&Digits=2&Digits=1&Digits=2&Caf%C3%A9=K%c3%a4se+x&note=flip-me`,
  rest: "/voice?x=1&y=%2F", place: header("X-Twilio-Signature"),
  spared: { "body re-serialised": FIELDS },
};

/** Under another name the field with the signature is not there, and a BOM is part of the first name. */
const elsewhere = { "moved label": "webhook_unsigned", BOM: "webhook_unsigned" };

export default [
  sender({
    ...twilioForm, name: "twilio", sdk: "twilio", way: "signs", preset: "twilio",
    official(it) {
      const form = grouped(formOf(it));
      const signature = twilio.getExpectedTwilioSignature(it.secret, it.url, form);
      assert.ok(twilio.validateRequest(it.secret, signature, it.url, form));
      return { "X-Twilio-Signature": signature };
    },
  }),
  sender({
    name: "twilio-json", sdk: "twilio", way: "signs", preset: "twilio", hash: "sha1", encode: base64,
    rest: (body) => `/events?x=1&bodySHA256=${createHash("sha256").update(body).digest("hex")}`,
    content: ({ url }) => url,
    place: header("X-Twilio-Signature"),
    official(it) {
      const signature = twilio.getExpectedTwilioSignature(it.secret, it.url, {});
      assert.ok(twilio.validateRequestWithBody(it.secret, signature, it.url, text(it)));
      return { "X-Twilio-Signature": signature };
    },
  }),
  sender({
    name: "plivo-v2", sdk: "plivo", preset: "plivo-v2", encode: base64, type: FORM,
    body: () => "From=1415&Text=hello", rest: "/sms/{uuid}",
    headers: ({ id }) => [["X-Plivo-Signature-V2-Nonce", id]],
    content: ({ url, id }) => url.split("?")[0] + id,
    place: header("X-Plivo-Signature-V2"),
    flip: (request) => ({ ...request, hook: request.hook.replace("/sms/", "/smt/") }),
    spared: { BOM: UNSIGNED_BODY, "body re-serialised": UNSIGNED_BODY },
    official: (it, request) => assert.ok(plivo.validateSignature(it.url, it.id, value(request, "X-Plivo-Signature-V2"), it.secret)),
  }),
  sender({
    name: "plivo-v3", sdk: "plivo", preset: "plivo-v3", encode: base64, type: FORM,
    body: () => `CallUUID=${randomUUID()}&From=%2B1415&Digits=2&Digits=1&note=flip-me`, rest: "/answer?b=2&a=1",
    headers: ({ id }) => [["X-Plivo-Signature-V3-Nonce", id]],
    content: ({ url, id, ...it }) => `${url.split("?")[0]}?a=1&b=2.${formOf(it).map((it) => it.join("")).sort().join("")}.${id}`,
    place: list("X-Plivo-Signature-V3", { separator: ",", label: "" }),
    spared: { "body re-serialised": FIELDS },
    official(it, request) {
      const signature = value(request, "X-Plivo-Signature-V3");
      assert.ok(plivo.validateV3Signature("POST", it.url, it.id, it.secret, signature, grouped(formOf(it))));
    },
  }),
  sender({
    name: "dropbox-sign", sdk: "@dropbox/sign", preset: "dropbox-sign", type: FORM,
    body() {
      const account = { reported_for_account_id: randomUUID() };
      const event = { event_time: `${nowS()}`, event_type: "signature_request_sent", event_hash: SIGNATURE, event_metadata: account };
      return `json=${encodeURIComponent(JSON.stringify({ event }))}`;
    },
    content(it) {
      const { event_time, event_type } = JSON.parse(new URLSearchParams(text(it)).get("json")).event;
      return event_time + event_type;
    },
    place: inBody({
      twice: (body, good, bad) => [
        [good, bad], [bad, good], [good, good],
      ].map((pair) => body.replace(good, pair.join("%22%2C%22event_hash%22%3A%22"))).concat(`${body}&json=%7B%7D`, `json=%7B%7D&${body}`),
      moved: (body) => [body.replace("event_hash", "other_hash"), body.replace("json=", "other=")],
    }),
    flip: (request) => ({ ...request, body: Buffer.from(text(request).replace("request_sent", "request_lent")) }),
    codes: elsewhere,
    spared: { "body re-serialised": "two fields are signed, not the text" },
    official(it, request) {
      const told = JSON.parse(new URLSearchParams(text(request)).get("json")).event;
      const read = { eventTime: told.event_time, eventType: told.event_type, eventHash: told.event_hash };
      assert.ok(EventCallbackHelper.isValid(it.secret, { event: read }));
    },
  }),
  sender({
    name: "braintree", sdk: "braintree", way: "signs", preset: "braintree", account: "public-key-1", type: FORM, hash: "sha1",
    key: (secret) => createHash("sha1").update(secret).digest(), emptyKey: createHash("sha1").update("").digest(),
    body() {
      const subject = `<subject><check type="boolean">true</check></subject><!-- ${randomUUID()} -->`;
      const xml = `<notification><kind>check</kind>${subject}</notification>`;
      const payload = `${Buffer.from(xml).toString("base64")}\n`;
      return `bt_signature=public-key-1%7C${SIGNATURE}&bt_payload=${encodeURIComponent(payload)}`;
    },
    content: (it) => new URLSearchParams(text(it)).get("bt_payload"),
    place: inBody({
      twice: (body, good, bad) => {
        const other = `bt_signature=public-key-1%7C${bad}`;
        return [`${body}&${other}`, `${other}&${body}`, `${body}&${body}`];
      },
      moved: (body) => [body.replace("bt_signature=", "other=")],
    }),
    codes: elsewhere,
    flip: (request) => ({ ...request, body: Buffer.from(text(request).replace("bt_payload=", "bt_payload=AAAA")) }),
    spared: { "body re-serialised": "the decoded payload is signed" },
    async official(it) {
      const keys = { merchantId: "m", publicKey: it.account, privateKey: it.secret };
      const gateway = new braintree.BraintreeGateway({ environment: braintree.Environment.Sandbox, ...keys });
      const payload = new URLSearchParams(text(it)).get("bt_payload");
      const signature = gateway.webhookTesting.sampleSignature(payload);
      await gateway.webhookNotification.parse(signature, payload);
      return { body: text(it).replace(`public-key-1%7C${SIGNATURE}`, encodeURIComponent(signature)) };
    },
  }),
];
