// What is done to every sender's good request, and what each has to be answered. One table for all of them.
//
// `make` gives the broken requests (all of them must be refused), or a text: why it does not apply to this sender.
import { base64, base64url, clockText, compose, facts, hex, nowS, tagOf } from "./request.mjs";

const BAD = "webhook_bad_signature";
const STALE = "webhook_stale";
const UNSIGNED = "webhook_unsigned";

/** More than any preset takes. */
const CROWD = 33;

const NO_CLOCK = "no clock is signed";

/** A signature of the right length that is not the right one. */
const wrong = (text) => (text[0] === "1" ? "2" : "1") + text.slice(1);

const signatureOf = (sender, it) => sender.encode(tagOf(sender, it));

const named = (request, name) => request.headers.filter(([it]) => it.toLowerCase() === name.toLowerCase());
const without = (request, name) => request.headers.filter(([it]) => it.toLowerCase() !== name.toLowerCase());

/** The request with a header of it there twice: a stranger's before the good one, behind it, and the good one again. */
function doubled(request, name, stranger) {
  const [good] = named(request, name);
  const others = without(request, name);
  const pairs = [[stranger, good[1]], [good[1], stranger], [good[1], good[1]]];
  return pairs.map((values) => ({ ...request, headers: [...others, ...values.map((it) => [good[0], it])] }));
}

const withBody = (request, body) => ({ ...request, body: Buffer.from(body) });

/** What a sender's request is made of, signed with the secret that attache has. */
const of = (sender, at) => facts(sender, { secret: sender.its, at });

/** The sender's good request. */
const whole = (sender) => compose(sender, of(sender));

/** Good requests of these many seconds from now. */
const away = (sender, ...distances) =>
  distances.map((seconds) => compose(sender, of(sender, clockText(sender.clock, nowS() + seconds))));

export const mutations = [
  {
    name: "body flipped",
    make: (sender) => [sender.flip(whole(sender))],
  },
  {
    name: "other secret",
    make: (sender) => [compose(sender, of(sender), { key: sender.key(sender.secret()) })],
  },
  {
    name: "empty secret",
    make: (sender) => [compose(sender, of(sender), { key: sender.emptyKey ?? Buffer.alloc(0) })],
  },
  {
    name: "stale",
    code: STALE,
    make: (sender) => (sender.clock ? away(sender, -sender.clock.past - 60, -86_400 * 400) : NO_CLOCK),
  },
  {
    name: "future",
    code: STALE,
    make: (sender) => (sender.clock ? away(sender, sender.clock.future + 60, 86_400 * 3650) : NO_CLOCK),
  },
  {
    name: "non-numeric timestamp",
    make(sender) {
      if (!sender.clock) return NO_CLOCK;
      const good = clockText(sender.clock, nowS());
      const texts = ["abc", "NaN", `${good}.0`, `+${good}`, `${nowS()}e0`, `0x${nowS().toString(16)}`];
      return texts.map((at) => compose(sender, of(sender, at)));
    },
  },
  {
    name: "repeated timestamp",
    make(sender) {
      if (!sender.clock) return NO_CLOCK;
      const it = of(sender);
      const other = clockText(sender.clock, nowS() - 1);
      const { clock, clockLabel } = sender.place;
      if (clock) return doubled(compose(sender, it), clock, other);
      if (clockLabel) return [[it.at, other], [other, it.at], [it.at, it.at]].map((clocks) => compose(sender, it, { clocks }));
      const bodies = sender.clockTwice(it.body.toString(), it.at);
      return bodies.map((body) => compose(sender, withBody(it, body)));
    },
  },
  {
    name: "repeated signature",
    make(sender) {
      const it = of(sender);
      const good = signatureOf(sender, it);
      const bad = wrong(good);
      if (sender.place.twice) {
        const request = compose(sender, it, { signatures: [good] });
        return sender.place.twice(request.body.toString(), good, bad).map((body) => withBody(request, body));
      }
      const { name } = sender.place;
      const [[, stranger]] = named(compose(sender, it, { signatures: [bad] }), name);
      return doubled(compose(sender, it), name, stranger);
    },
  },
  {
    name: "truncated",
    make(sender) {
      const unit = sender.encode === hex ? 2 : 4;
      const cuts = [[0, -unit], [0, -1], [0, unit], [unit]];
      return cuts.map((cut) => compose(sender, of(sender), { encode: (tag) => sender.encode(tag).slice(...cut) }));
    },
  },
  {
    name: "other encoding",
    make(sender) {
      const it = of(sender);
      const tag = tagOf(sender, it);
      const plain = base64(tag);
      // The last character's unused bits, which lenient decoders drop.
      const stray = plain.replace(/(.)(=+)$/, (_, last, padding) => String.fromCharCode(last.charCodeAt(0) + 1) + padding);
      const others = [hex(tag), hex(tag).toUpperCase(), `0x${hex(tag)}`, plain, plain.replace(/=+$/, ""), `${plain}=`, stray, base64url(tag)]
        .filter((text) => text !== sender.encode(tag));
      return others.map((text) => compose(sender, it, { signatures: [text] }));
    },
  },
  {
    name: "algorithm downgraded",
    make(sender) {
      if (sender.downgraded) return sender.downgraded(of(sender));
      const others = ["md5", "sha1", "sha256", "sha512"].filter((it) => it !== sender.hash);
      const requests = others.map((hash) => compose(sender, of(sender), { hash }));
      // The prefix says so as well, and a receiver who believed it would take them.
      const { prefix } = sender.place;
      if (!prefix?.includes(sender.hash)) return requests;
      const said = others.map((hash) => compose(sender, of(sender), { hash, prefix: prefix.replace(sender.hash, hash) }));
      return [...requests, ...said];
    },
  },
  {
    name: "moved label",
    code: (sender) => (sender.place.label || !sender.place.prefix ? UNSIGNED : BAD),
    make(sender) {
      const { label, prefix, moved } = sender.place;
      const it = of(sender);
      if (moved) return moved(whole(sender).body.toString()).map((body) => withBody(whole(sender), body));
      if (label) {
        const end = label.endsWith(",") ? "," : "";
        return ["v9=", "x", ""].map((other) => compose(sender, it, { label: other + end }));
      }
      if (prefix) return ["", "v9=", prefix.toUpperCase(), `${prefix}${prefix}`].map((other) => compose(sender, it, { prefix: other }));
      return [compose(sender, it, { name: "X-Other-Signature" }), compose(sender, it, { name: "Authorization" })];
    },
  },
  {
    name: "extra candidates",
    make(sender) {
      const it = of(sender);
      const good = signatureOf(sender, it);
      const crowd = Array(CROWD - 1).fill(wrong(good));
      const { name, separator, body } = sender.place;
      if (body) return [compose(sender, it, { signatures: [`${wrong(good)},${good}`] })];
      if (separator) return [[...crowd, good], [good, ...crowd]].map((signatures) => compose(sender, it, { signatures }));
      // One header, one signature: a list of them is none.
      const [value, stranger] = [good, wrong(good)].map((text) => named(compose(sender, it, { signatures: [text] }), name)[0][1]);
      const request = compose(sender, it);
      const lists = [[value, stranger], [stranger, value], [...Array(CROWD - 1).fill(stranger), value]];
      const texts = lists.flatMap((values) => [values.join(", "), values.join(",")]);
      return texts.map((text) => ({ ...request, headers: [...without(request, name), [name, text]] }));
    },
  },
  {
    name: "BOM",
    make(sender) {
      const request = whole(sender);
      return [withBody(request, Buffer.concat([Buffer.from("\ufeff"), request.body]))];
    },
  },
  {
    name: "body re-serialised",
    make(sender) {
      const request = whole(sender);
      const text = request.body.toString();
      if (sender.rewritten) return sender.rewritten(text).map((body) => withBody(request, body));
      const read = JSON.parse(text);
      const written = [JSON.stringify(read), JSON.stringify(read, null, 2), `${text}\n`];
      return written.filter((it) => it !== text).map((body) => withBody(request, body));
    },
  },
];

/** The requests of a mutation for a sender, or why there are none. */
export function broken(mutation, sender) {
  return sender.spared[mutation.name] ?? mutation.make(sender);
}

export function codeOf(mutation, sender) {
  const own = sender.codes?.[mutation.name] ?? mutation.code ?? BAD;
  return typeof own === "function" ? own(sender) : own;
}
