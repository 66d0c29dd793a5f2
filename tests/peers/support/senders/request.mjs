// How a sender's request is put together: what is signed, with what key, and where the signature stands.
//
// A sender is { name, sdk, way, hmac, secret, key, hash, encode, tag, body, content, place, clock, rest, official }:
//   sdk       the package that says what is right; `way` is "signs" where it makes the signature, "checks" where
//             it verifies what these few lines made
//   hmac      the settings of attache's auth method: a preset
//   body      its text for the clock's text; `content` is what is signed of a request
//   official  asks the SDK: gives headers (or a body) where it signs, and throws where it does not take a request
// The rest has defaults, below.
import { createHmac, randomBytes, randomUUID } from "node:crypto";

export const PUBLIC = "https://hooks.example.com";

/** Stands in a body where the signature goes. */
export const SIGNATURE = "--signature--";

export const hex = (bytes) => bytes.toString("hex");
export const base64 = (bytes) => bytes.toString("base64");
export const base64url = (bytes) => bytes.toString("base64url");

export const hmac = (hash, key, content) => createHmac(hash, key).update(content).digest();

/** A sender with all that is usual filled in. */
export function sender(it) {
  const whole = {
    way: "checks",
    hmac: { preset: it.preset },
    secret: () => `it's-${randomBytes(24).toString("base64url")}`,
    key: (secret) => Buffer.from(secret),
    hash: "sha256",
    encode: hex,
    tag: hmac,
    type: "application/json",
    rest: "",
    body: () => event(),
    content: ({ body }) => body,
    headers: () => [],
    flip: flipped,
    spared: {},
    ...it,
  };
  return whole;
}

/** An event that does not survive being parsed and written again: spacing, escapes, 1.0, and a text to flip. */
export function event(fields = {}) {
  const more = Object.entries(fields).map(([name, value]) => `, ${JSON.stringify(name)}:  ${JSON.stringify(value)}`);
  const id = "id" in fields ? "" : ` "id": "evt_${randomUUID()}",`;
  return `{${id} "weight": 1.0,  "text": "caf\\u00e9 K\u00e4se \\/ a", "note": "flip-me" ${more.join("")} }`;
}

const flipped = (request) => {
  const text = request.body.toString();
  if (!text.includes("flip-me")) throw new Error("nothing to flip");
  return { ...request, body: Buffer.from(text.replace("flip-me", "flop-me")) };
};

/** The clock's text for a moment, in seconds. */
export const clockText = ({ format }, at) =>
  ({ s: () => `${at}`, ms: () => `${at}000`, rfc3339: () => new Date(at * 1000).toISOString().replace(".000Z", "Z") })[format]();

export const nowS = () => Math.floor(Date.now() / 1000);

/** What the signature is made of, for a sender at a moment: `at` is the clock's text as it is sent. */
export function facts(sender, { secret, at = sender.clock && clockText(sender.clock, nowS()), body }) {
  const bytes = Buffer.from(body ?? sender.body(at, secret));
  const rest = typeof sender.rest === "function" ? sender.rest(bytes) : sender.rest;
  const hook = `/hooks/${sender.name}${rest.replace("{uuid}", randomUUID())}`;
  return { method: "POST", hook, url: PUBLIC + hook, at, secret, id: `msg_${randomUUID()}`, account: sender.account, body: bytes };
}

/** A request with the signature that these few lines make. `over` replaces what a sender does as it should. */
export function compose(sender, it, over = {}) {
  const { encode = sender.encode, ...parts } = over;
  return place(sender, it, { signatures: [encode(tagOf(sender, it, over))], clocks: it.at === undefined ? [] : [it.at], ...parts });
}

/** The signature's bytes. */
export function tagOf(sender, it, { key = sender.key(it.secret), hash = sender.hash, tag = sender.tag } = {}) {
  return tag(hash, key, Buffer.from(sender.content(it)));
}

function place(sender, it, parts) {
  const put = sender.place.put(parts, it);
  const headers = [["content-type", sender.type], ...sender.headers(it), ...(put.headers ?? [])];
  return { method: it.method, hook: it.hook, headers, body: Buffer.from(put.body ?? it.body) };
}

/** The signature in a header of its own; the clock in another one. */
export function header(name, { prefix = "", clock } = {}) {
  return {
    name, prefix, clock,
    put: ({ signatures, clocks, prefix: other = prefix, name: elsewhere = name }) => ({
      headers: [...signatures.map((it) => [elsewhere, other + it]), ...(clock ? clocks.map((it) => [clock, it]) : [])],
    }),
  };
}

/** The signature in a header's list, behind its label; the clock in the same list or in another header. */
export function list(name, { separator, label, clockLabel, clock, others = () => [], last = false }) {
  return {
    name, separator, label, clockLabel, clock,
    put({ signatures, clocks, label: other = label, name: elsewhere = name }, it) {
      const times = clockLabel ? clocks.map((text) => clockLabel + text) : [];
      const signed = signatures.map((text) => other + text);
      const entries = last ? [...signed, ...others(it), ...times] : [...times, ...others(it), ...signed];
      return { headers: [[elsewhere, entries.join(separator)], ...(clock ? clocks.map((text) => [clock, text]) : [])] };
    },
  };
}

/** The signature in the body, where `SIGNATURE` stands. `twice` writes it twice, given the signed body, it and another; `moved` takes it away. */
export function inBody({ twice, moved }) {
  const put = ({ signatures }, it) => ({ body: it.body.toString().replace(SIGNATURE, () => signatures[0]) });
  return { body: true, twice, moved, put };
}
