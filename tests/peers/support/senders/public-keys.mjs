// Senders with a private key: what attache has is the public one.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { verifyKey } from "discord-interactions";
import { EventWebhook } from "@sendgrid/eventwebhook";
import { base64, compose, event, header, hmac, sender } from "./request.mjs";

const text = ({ body }) => body.toString();
const value = (request, name) => request.headers.find(([it]) => it === name)[1];
const seconds = { format: "s", past: 300, future: 300 };
const made = (kind, options) => () => generateKeyPairSync(kind, options).privateKey.export({ type: "pkcs8", format: "pem" });
const der = (secret) => createPublicKey(createPrivateKey(secret)).export({ type: "spki", format: "der" });

/** The 32 bytes at the end of an Ed25519 key's SubjectPublicKeyInfo (RFC 8410). */
const raw = (secret) => der(secret).subarray(-32);

/** Signed as if the public key, in any spelling, were a shared secret. */
const confused = (it, hash, sender) =>
  [der(it.secret), sender.given(it.secret), raw(it.secret)].map((key) => compose(sender, it, { tag: hmac, hash, key: Buffer.from(key) }));

const common = { key: createPrivateKey, clock: seconds, spared: { "empty secret": "there is no shared secret" } };

export default [
  sender({
    ...common, name: "discord", sdk: "discord-interactions", preset: "discord",
    secret: made("ed25519"), given: (secret) => raw(secret).toString("hex"),
    tag: (_, key, content) => sign(null, content, key),
    content: ({ at, body }) => `${at}${body}`,
    body: () => event({ type: 2, token: "x" }),
    place: header("X-Signature-Ed25519", { clock: "X-Signature-Timestamp" }),
    // HMAC-SHA512's digests are as long as the signatures.
    downgraded(it) { return confused(it, "sha512", this); },
    async official(it, request) {
      const signature = value(request, "X-Signature-Ed25519");
      assert.ok(await verifyKey(text(it), signature, it.at, raw(it.secret).toString("hex")));
    },
  }),
  sender({
    ...common, name: "sendgrid", sdk: "@sendgrid/eventwebhook", preset: "sendgrid",
    secret: made("ec", { namedCurve: "P-256" }), given: (secret) => der(secret).toString("base64"),
    encode: base64, tag: (hash, key, content) => sign(hash, content, key),
    content: ({ at, body }) => `${at}${body}`,
    body: () => `[${event({ event: "delivered" })}]\r\n`,
    place: header("X-Twilio-Email-Event-Webhook-Signature", { clock: "X-Twilio-Email-Event-Webhook-Timestamp" }),
    downgraded(it) {
      return [...confused(it, "sha256", this), compose(this, it, { hash: "sha1" }), compose(this, it, { hash: "sha512" })];
    },
    official(it, request) {
      const verifier = new EventWebhook();
      const key = verifier.convertPublicKeyToECDSA(der(it.secret).toString("base64"));
      assert.ok(verifier.verifySignature(key, it.body, value(request, "X-Twilio-Email-Event-Webhook-Signature"), it.at));
    },
  }),
];
