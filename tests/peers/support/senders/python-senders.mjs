// The same schemes as the official Python SDKs make or read them.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import clocked from "./clocked.mjs";
import hashedBodies from "./hashed-bodies.mjs";
import { formOf, twilioForm } from "./elsewhere.mjs";
import { SIGNATURE, base64, event, hmac, header, inBody, list, sender } from "./request.mjs";
import { official } from "./python.mjs";

const node = Object.fromEntries([...hashedBodies, ...clocked].map((it) => [it.name, it]));

const hexSecret = () => randomBytes(32).toString("hex");
const fromHex = (secret) => Buffer.from(secret, "hex");

/** One of the items of an Adyen notification; what is signed of it. */
const item = (eventCode) => ({
  additionalData: { hmacSignature: SIGNATURE, note: "x" }, pspReference: randomUUID(), amount: { value: 1130, currency: "EUR" },
  success: "true", eventCode, merchantAccountCode: "TestMerchant", merchantReference: "order:1", eventDate: "2026-01-02T03:04:05Z",
});
const itemContent = ({ amount, ...it }) => {
  const first = [it.pspReference, it.originalReference, it.merchantAccountCode, it.merchantReference];
  return [...first, amount.value, amount.currency, it.eventCode, it.success].join(":");
};

/** A sender who asks the Python SDK of this name. */
const python = (name, sdk, it) => sender({
  preset: name, ...it, hmac: { preset: name }, name: `${name}-py`, sdk: `PyPI ${sdk}`,
  official(facts, { body, headers }) {
    const named = Object.fromEntries(headers.map(([name, it]) => [name.toLowerCase(), it]));
    return official(name, { ...facts, at: facts.at ?? null, body, headers: named, more: it.more?.(facts) ?? {} });
  },
});
const SECONDARY = randomBytes(24).toString("base64url");
const signs = { way: "signs" };
const checks = { way: "checks" };

export default [
  python("github", "gidgethub", { ...node.github, ...checks }),
  python("stripe", "stripe", { ...node.stripe, ...signs }),
  python("standard-webhooks", "standardwebhooks", { ...node["standard-webhooks"], ...signs }),
  python("slack", "slack-sdk", { ...node.slack, ...signs }),
  python("razorpay", "razorpay", { ...node.razorpay, ...checks }),
  python("gocardless", "gocardless-pro", { ...node.gocardless, ...checks }),
  python("easypost", "easypost", { ...node.easypost, ...checks }),
  python("pusher", "pusher", { ...node.pusher, ...checks }),
  python("paddle-billing", "paddle-python-sdk", { ...node["paddle-billing"], ...signs }),
  python("onfido", "onfido-python", {
    place: header("X-SHA2-Signature"),
    body() {
      const object = { id: randomUUID(), href: "https://api.onfido.test/v3/checks/1" };
      return event({ payload: { resource_type: "check", action: "check.started", object } });
    },
  }),
  python("elevenlabs", "elevenlabs", {
    clock: { format: "s", past: 1800, future: 300 }, content: ({ at, body }) => `${at}.${body}`,
    place: list("ElevenLabs-Signature", { separator: ",", label: "v0=", clockLabel: "t=" }),
  }),
  python("adyen-platform", "adyen", {
    way: "signs", secret: hexSecret, key: fromHex, encode: base64,
    place: header("HmacSignature"),
  }),
  python("hubspot-v1", "hubspot-api-client", {
    ...signs, tag: plain, content: ({ body }) => body,
    headers: () => [["X-HubSpot-Signature-Version", "v1"]], place: header("X-HubSpot-Signature"),
  }),
  python("hubspot-v2", "hubspot-api-client", {
    ...signs, tag: plain, content: ({ method, url, body }) => method + url + body, rest: "/a?b=c%20d",
    headers: () => [["X-HubSpot-Signature-Version", "v2"]], place: header("X-HubSpot-Signature"),
  }),
  python("hubspot-v3", "hubspot-api-client", {
    ...signs, clock: { format: "ms", past: 300, future: 300 }, encode: base64, rest: "/a?b=c%20d",
    content: ({ method, url, body, at }) => method + url + body + at,
    place: header("X-HubSpot-Signature-v3", { clock: "X-HubSpot-Request-Timestamp" }),
  }),
  python("box", "boxsdk", {
    ...signs, clock: { format: "rfc3339", past: 600, future: 0 }, encode: base64,
    besides: ["box-signature-secondary"], more: () => ({ secondary: SECONDARY }), given: (secret) => [secret, SECONDARY],
    content: ({ body, at }) => `${body}${at}`,
    headers: ({ id }) => [["Box-Signature-Version", "1"], ["Box-Signature-Algorithm", "HmacSHA256"], ["Box-Delivery-Id", id]],
    place: header("Box-Signature-Primary", { clock: "Box-Delivery-Timestamp" }),
  }),
  python("twilio", "twilio", { ...twilioForm, ...signs, more: (it) => ({ form: formOf(it) }) }),
  python("twilio-sharedkey", "twilio", {
    ...twilioForm, ...signs, hash: "sha256", account: "webhooks_sharedkey_1", more: (it) => ({ form: formOf(it) }),
    headers: ({ account }) => [["X-Twilio-Webhooks-Signature-Settings", `key=${account},algorithm=HMAC_SHA256`]],
  }),
  python("adyen-payments", "adyen", {
    secret: hexSecret, key: fromHex, encode: base64,
    body: (_, secret) => {
      const items = [item("AUTHORISATION"), item("REFUND")];
      items[0].additionalData.hmacSignature = base64(hmac("sha256", fromHex(secret), itemContent(items[0])));
      return `{"live": "false", "notificationItems": ${JSON.stringify(items.map((it) => ({ NotificationRequestItem: it })))}}`;
    },
    content: (it) => itemContent(JSON.parse(it.body).notificationItems[1].NotificationRequestItem),
    place: inBody({
      twice: (body, good, bad) =>
        [[good, bad], [bad, good], [good, good]].map((pair) => body.replace(good, pair.join('","hmacSignature":"'))),
      moved: (body) => [body.replace(/"hmacSignature"(?!.*"hmacSignature")/, '"other"'), body.replace('"hmacSignature"', '"other"')],
    }),
    // The last item's amount: whoever looks at the first alone does not see it.
    flip: (request) => ({ ...request, body: Buffer.from(request.body.toString().replace(/1130(?!.*1130)/, "1131")) }),
    codes: { "moved label": "webhook_unsigned" },
    spared: { "body re-serialised": "fields of every item are signed, not the text" },
  }),
  python("square", "squareup", {
    encode: base64, rest: "/notify?shop=1", content: ({ url, body }) => `${url}${body}`,
    body: () => event({ event_id: randomUUID() }),
    place: header("x-square-hmacsha256-signature"),
  }),
];

/** A plain hash of a content that begins with the secret. */
function plain(hash, key, content) {
  return createHash(hash).update(key).update(content).digest();
}
