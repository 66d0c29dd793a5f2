// People who consent at an authorization server that others wrote (oidc-provider), in a browser and on another device, and
// what becomes of their grants: each case by a request through attache to an API that asks that server about its token.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Attache, assertTold, soon } from "./support/attache.mjs";
import { PEOPLE, REDIRECT_URI, startAuthorization } from "./support/authorization.mjs";
import { consent, consentOnDevice } from "./support/browser.mjs";
import { AUTHENTICATIONS, clientOf, registered, secret } from "./support/client-authentications.mjs";
import { startApi } from "./support/introspecting-api.mjs";

const ANN = { name: "ann", password: PEOPLE.ann };
const BETH = { name: "beth", password: PEOPLE.beth };
const OURS = { client_id: "by-basic", client_secret: secret };

/** Every way to prove oneself, and none at all; for each a client of its own. */
const CLIENTS = { ...AUTHENTICATIONS, none: { client: { token_endpoint_auth_method: "none" }, credentials: {} } };
const consentingOf = (name) => `consents-${clientOf(name)}`;
const clients = [
  ...registered,
  ...Object.entries(CLIENTS).map(([name, { client }]) => ({ client_id: consentingOf(name), ...client })),
  ...["pushing", "one-api", "screens"].map((client_id) => ({ client_id, client_secret: secret })),
];
clients.find((it) => it.client_id === "pushing").require_pushed_authorization_requests = true;

/** attache takes tokens for good for a second only, however long the server does: so it has others again and again. */
const BRIEF = { reply: { expires_in: "/not_looked_at" }, expiry: { lifetime: "1s" } };

let authorization, api, attache;

before(async () => {
  authorization = await startAuthorization(clients);
  api = await startApi(authorization);
  attache = await Attache.start();
});

after(async () => {
  const said = attache.said();
  await attache.stop();
  api.stop();
  authorization.stop();
  const ours = [secret, attache.callerKey, attache.token, ...Object.values(PEOPLE)];
  assertTold(said, [...ours, ...api.tokens, ...authorization.secrets]);
});

/** What asks for a person's account and to go on while they are away (OpenID Connect Core §11). */
const asking = (more = {}) => ({
  grant: "authorization_code",
  authorize_url: `${authorization.issuer}/auth`,
  token_url: `${authorization.issuer}/token`,
  revoke_url: `${authorization.issuer}/token/revocation`,
  introspect_url: `${authorization.issuer}/token/introspection`,
  scopes: ["openid", "offline_access", "read"],
  authorize_params: { prompt: "consent" },
  ...more,
});

/** The app's own fields are the same for all tenants. */
function embed(key, oauth2, credentials = OURS) {
  const inputs = Object.fromEntries(Object.keys(credentials).map((it) => [it, "global"]));
  return attache.connectFor("acme", key, { baseUrl: api.url, oauth2, credentials, inputs });
}

const begin = (holder) => attache.send("POST", `${holder}/authorize`, { redirect_uri: REDIRECT_URI });
const complete = (holder, url, state) => attache.ask("POST", `${holder}/callback`, { url, state });

/** A person goes the whole way, to the activation with its grant. */
async function consented(holder, person = ANN) {
  const begun = await begin(holder);
  const back = await consent(begun.url, person);
  const { status, said } = await complete(holder, back.url, begun.state);
  assert.equal(status, 200, `${JSON.stringify(said)}\n${back.url}`);
  return said;
}

/** The claims of the token that the API was shown, which has to be good. */
async function whoami(connection) {
  const answer = await attache.through(connection);
  assert.equal(answer.status, 200, `${connection}: ${JSON.stringify(answer)}\n${attache.said()}`);
  return answer.said;
}

/** What came of `act`, and how many token requests of the app it took. */
async function countingOurs(act) {
  const before = authorization.of(OURS.client_id).length;
  const done = await act();
  return [done, authorization.of(OURS.client_id).length - before];
}

/** What the server makes of a renewal with something that it gave before, as whoever found it would try. */
async function used(refresh_token) {
  const basic = Buffer.from(`${OURS.client_id}:${encodeURIComponent(secret)}`).toString("base64");
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token });
  const headers = { authorization: `Basic ${basic}` };
  return (await fetch(`${authorization.issuer}/token`, { method: "POST", headers, body })).status;
}

/** Asks until so many tokens were shown to the API, one after the other, each being good and this person's. */
async function shownSeveral(connection, number, person = ANN) {
  const shown = new Set();
  await soon(`${number} tokens of ${connection}`, async () => {
    const claims = await whoami(connection);
    assert.equal(claims.sub, person.name);
    return shown.add(claims.nth).size === number;
  });
}

/** Another token is had when an operator says so, once the present one is some seconds old. */
async function renewed(holder, connection) {
  const { nth } = await whoami(connection);
  await soon("another token", async () => {
    await attache.send("POST", `${holder}/renew`);
    return (await whoami(connection)).nth !== nth;
  });
}

describe("authorization_code", { concurrency: true }, () => {
  for (const [name, { credentials, settings }] of Object.entries(CLIENTS)) {
    test(`by ${name}: a person consents, and every renewal uses the newest refresh token once`, async () => {
      const [key, client_id] = [`consent-${clientOf(name)}`, consentingOf(name)];
      const holder = await embed(key, asking({ client_auth: name, ...settings, ...BRIEF }), { client_id, ...credentials });
      assert.equal((await attache.through(`${key}@acme`)).error, "reauthorization_required");

      const begun = await begin(holder);
      const { searchParams: asked } = new URL(begun.url);
      assert.deepEqual([asked.get("code_challenge_method"), asked.get("code_challenge").length], ["S256", 43]);
      const back = await consent(begun.url, ANN);
      assert.equal(new URL(back.url).searchParams.get("iss"), authorization.issuer);
      const { said } = await complete(holder, back.url, begun.state);
      assert.equal(said.grant?.account, "ann", JSON.stringify(said));

      assert.equal((await whoami(`${key}@acme`)).client_id, client_id);
      await shownSeveral(`${key}@acme`, 4);
      const had = authorization.of(client_id);
      assert.deepEqual(had.filter((it) => it.error), [], "each was used once, and each was the newest");
      assert.equal(new Set(authorization.refreshTokensOf(client_id)).size, had.length, "each was new");
      await attache.send("DELETE", holder);
    });
  }
});

test("the parameters are pushed where the issuer's metadata says so (RFC 9126)", async () => {
  const oauth2 = asking({ issuer: authorization.issuer, authorize_url: undefined, token_url: undefined });
  const holder = await embed("pushed", oauth2, { client_id: "pushing", client_secret: secret });
  const [begun, pushed] = await authorization.counting("/request", () => begin(holder));
  assert.equal(pushed, 1);
  assert.deepEqual([...new URL(begun.url).searchParams.keys()].sort(), ["client_id", "request_uri"]);
  const back = await consent(begun.url, ANN);
  assert.equal((await complete(holder, back.url, begun.state)).status, 200);
  assert.deepEqual([(await whoami("pushed@acme")).client_id, (await attache.grant(holder)).account], ["pushing", "ann"]);
});

test("a redirect of another issuer, or of none where one is due, yields no token request (RFC 9207)", async () => {
  const { issuer } = authorization;
  const holder = await embed("mixed-up", asking({ issuer, authorize_url: undefined, token_url: undefined }));
  const changes = { another: (it) => it.set("iss", "https://evil.example"), none: (it) => it.delete("iss") };
  for (const [name, change] of Object.entries(changes)) {
    const begun = await begin(holder);
    const back = new URL((await consent(begun.url, ANN)).url);
    change(back.searchParams);
    const [{ status, said }, asked] = await countingOurs(() => complete(holder, back.href, begun.state));
    assert.deepEqual([status, said.code, asked], [422, "invalid", 0], name);
  }
  assert.equal((await attache.grant(holder)).state, "reauthorization_required");
});

test("a redirect is good once, for whom it was begun, with the code that belongs to it", async () => {
  const [acme, other] = [await embed("acme-s", asking()), await embed("others", asking())];
  const [first, second] = [await begin(acme), await begin(other)];
  const [back, stolen] = [await consent(first.url, ANN), await consent(second.url, BETH)];

  const elsewhere = await complete(other, back.url);
  assert.deepEqual([elsewhere.status, elsewhere.said.code], [422, "invalid"]);
  // Beth's code in Ann's redirect: the server knows by the verifier that it was not asked for here (RFC 7636).
  const mixed = new URL(back.url);
  mixed.searchParams.set("code", new URL(stolen.url).searchParams.get("code"));
  const injected = await complete(acme, mixed.href, first.state);
  assert.deepEqual([injected.status, injected.said.code], [424, "reauthorization_required"]);
  const { error, detail } = authorization.of(OURS.client_id).at(-1);
  assert.deepEqual([error, detail], ["invalid_grant", "code_verifier does not match code_challenge"]);
  const again = await complete(acme, back.url, first.state);
  assert.deepEqual([again.status, again.said.code], [422, "invalid"], "its state was used");

  await consented(acme);
  assert.equal((await whoami("acme-s@acme")).sub, "ann");
});

test("a person who says no leaves what there was", async () => {
  const holder = await embed("denied", asking());
  await consented(holder);
  const begun = await begin(holder);
  const back = await consent(begun.url, { ...BETH, answer: "deny" });
  assert.equal(new URL(back.url).searchParams.get("error"), "access_denied");
  const [{ status, said }, asked] = await countingOurs(() => complete(holder, back.url, begun.state));
  assert.deepEqual([status, said.code, asked], [424, "reauthorization_required", 0]);
  assert.equal((await whoami("denied@acme")).sub, "ann");
});

test("where somebody else uses a refresh token the server ends the grant, and only a new consent brings it back", async () => {
  const holder = await embed("stolen", asking());
  await consented(holder);
  await whoami("stolen@acme");
  const [before] = authorization.refreshTokensOf(OURS.client_id).slice(-1);
  await renewed(holder, "stolen@acme");
  assert.equal(await used(before), 400);
  // What was had before it lived on at the server until now: the API does not take it any more, and nothing renews it.
  const answer = await attache.through("stolen@acme");
  assert.deepEqual([answer.status, (await attache.grant(holder)).state], [401, "reauthorization_required"]);
  assert.equal((await attache.through("stolen@acme")).error, "reauthorization_required");
  const begun = await begin(holder);
  const back = await consent(begun.url, BETH);
  const other = await complete(holder, back.url, begun.state);
  assert.deepEqual([other.status, other.said.code, other.said.given_account.name], [409, "account_differs", "beth"]);
  await attache.send("POST", `${holder}/callback`, { url: back.url, state: begun.state, confirm_account: true });
  assert.equal((await whoami("stolen@acme")).sub, "beth");
  assert.equal((await attache.grant(holder)).state, "active");
});

test("a consent is for the API that the resource indicator names, renewals too (RFC 8707)", async () => {
  const oauth2 = asking({ resources: ["https://api.example/v1"], ...BRIEF });
  const holder = await embed("for-one-api", oauth2, { client_id: "one-api", client_secret: secret });
  await consented(holder);
  await shownSeveral("for-one-api@acme", 2);
  const claims = await whoami("for-one-api@acme");
  assert.deepEqual([claims.aud, claims.scope], ["https://api.example/v1", "read"]);
  await attache.send("DELETE", holder);
});

test("device_code: people type their codes; whoever allows it is served, whoever does not is not", async () => {
  const device = { grant: "device_code", client_auth: "basic", device_url: `${authorization.issuer}/device/auth`, authorize_url: undefined };
  const credentials = { client_id: "screens", client_secret: secret };
  const [ann, beth] = [await embed("screen-a", asking({ ...device, ...BRIEF }), credentials), await embed("screen-b", asking(device), credentials)];
  const begun = await Promise.all([ann, beth].map((it) => attache.send("POST", `${it}/authorize`, {})));
  assert.equal((await attache.through("screen-a@acme")).error, "reauthorization_required");
  const done = await consentOnDevice(begun[0].verification_uri, begun[0].user_code, ANN);
  assert.equal(done.status, 200);
  await consentOnDevice(begun[1].verification_uri, begun[1].user_code, { ...BETH, answer: "deny" });

  await soon("the first one is served", async () => (await attache.through("screen-a@acme")).status === 200);
  await shownSeveral("screen-a@acme", 3);
  await soon("the second one has ended", () => attache.said().includes("a consent on another device ended"));
  assert.equal((await attache.through("screen-b@acme")).error, "reauthorization_required");
  const refused = authorization.of("screens").flatMap((it) => it.error ?? []);
  assert.deepEqual(refused.filter((it) => it !== "authorization_pending"), ["access_denied"]);
  await attache.send("DELETE", ann);
});

test("an imported refresh token that rotates is used once, however attache is ended in between", async () => {
  const { refresh_token } = await authorization.grantedElsewhere("by-body", "ann");
  const oauth2 = { grant: "refresh_token", token_url: asking().token_url, client_auth: "body" };
  const credentials = { client_id: "by-body", client_secret: secret, refresh_token };
  await attache.connect("moved", { baseUrl: api.url, oauth2, credentials });
  assert.equal((await whoami("moved")).sub, "ann");
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await attache.end(signal);
    await attache.run();
    const had = authorization.of("by-body").length;
    assert.equal((await whoami("moved")).sub, "ann");
    assert.equal(authorization.of("by-body").length, had, `a token request after ${signal}`);
    await renewed("connections/moved", "moved");
  }
  const had = authorization.of("by-body");
  assert.deepEqual([had.length, had.filter((it) => it.error)], [3, []]);
  assert.equal(new Set([refresh_token, ...authorization.refreshTokensOf("by-body")]).size, 4);
});

test("tokens of an activation that is deleted are ended at the server (RFC 7009)", async () => {
  const holder = await embed("leaving", asking());
  await consented(holder);
  await whoami("leaving@acme");
  const [access, refresh] = [api.tokens.at(-1), authorization.refreshTokensOf(OURS.client_id).at(-1)];
  assert.ok(await authorization.isGood(refresh));
  await attache.send("DELETE", holder);
  await soon("the server ends them", async () => !(await authorization.isGood(refresh)));
  await soon("the access token too", async () => !(await authorization.introspect(access)).active);
  assert.equal((await attache.through("leaving@acme")).error, "embedded_not_activated");
});

test("a grant that is ended here is ended at the server, and only its own", async () => {
  const [holder, other] = [await embed("ended", asking()), await embed("goes-on", asking())];
  await consented(holder);
  await whoami("ended@acme");
  const refresh = authorization.refreshTokensOf(OURS.client_id).at(-1);
  await consented(other, BETH);
  const ended = await attache.send("POST", `${holder}/revoke`);
  assert.deepEqual([ended.at_provider, ended.grant.state], [true, "revoked"], JSON.stringify(ended));
  assert.ok(!(await authorization.isGood(refresh)));
  assert.equal((await attache.through("ended@acme")).error, "reauthorization_required");
  assert.equal((await whoami("goes-on@acme")).sub, "beth");
});

test("the server is asked what it knows of a token (RFC 7662): good, and good no longer", async () => {
  const holder = await embed("asked-about", asking());
  await consented(holder);
  await whoami("asked-about@acme");
  const known = await attache.send("POST", `${holder}/introspect`);
  assert.deepEqual([known.active, known.account, known.scopes], [true, "ann", ["openid", "offline_access", "read"]]);
  const ends = Date.parse(known.expires_at) - Date.now();
  assert.ok(ends > 3_000_000 && ends <= 3_600_000, known.expires_at);
  await authorization.forget(api.tokens.at(-1));
  assert.equal((await attache.send("POST", `${holder}/introspect`)).active, false);
});
