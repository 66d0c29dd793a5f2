// Clients that prove themselves by a certificate (RFC 8705), and tokens that are bound to a key (RFC 9449), against an
// authorization server that others wrote (oidc-provider), each case by a request through attache to an API that checks.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { Attache, assertTold, soon } from "./support/attache.mjs";
import { PEOPLE, REDIRECT_URI, startAuthorization } from "./support/authorization.mjs";
import { consent, consentOnDevice } from "./support/browser.mjs";
import { Authority } from "./support/certificates.mjs";
import { secret } from "./support/client-authentications.mjs";
import { startApi } from "./support/introspecting-api.mjs";
import { Proofs } from "./support/proofs.mjs";

const ANN = { name: "ann", password: PEOPLE.ann };

/** attache takes tokens for good for a second only, however long the server does: so it has others again and again. */
const BRIEF = { reply: { expires_in: "/not_looked_at" }, expiry: { lifetime: "1s" } };

const started = [];
let attache;

before(async () => (attache = await Attache.start()));

after(async () => {
  const said = attache.said();
  await attache.stop();
  for (const it of started) it.stop();
  const hidden = started.flatMap((it) => [...(it.secrets ?? []), ...(it.tokens ?? [])]);
  // Of a key in PEM the second line is its own.
  const keys = started.flatMap((it) => it.keys ?? []).map((it) => it.split("\n")[1]);
  assertTold(said, [secret, PEOPLE.ann, attache.callerKey, attache.token, ...hidden, ...keys]);
});

const start = async (starting) => {
  const it = await starting;
  started.push(it);
  return it;
};

/** The claims of the token that the API was shown, which has to be good. */
async function whoami(connection, more) {
  const answer = await attache.through(connection, more);
  assert.equal(answer.status, 200, `${connection}: ${JSON.stringify(answer)}\n${attache.said()}`);
  return answer.said;
}

/** Asks until so many tokens were shown to the API, one after the other. */
async function shownSeveral(connection, number) {
  const shown = new Set();
  await soon(`${number} tokens of ${connection}`, async () => shown.add((await whoami(connection)).nth).size === number);
}

/** A person goes the whole way in a browser, which finds the page by `way`. */
async function consented(holder, way = (url) => url) {
  const begun = await attache.send("POST", `${holder}/authorize`, { redirect_uri: REDIRECT_URI });
  const { url } = await consent(way(begun.url), ANN);
  await attache.send("POST", `${holder}/callback`, { url, state: begun.state });
}

describe("certificates", () => {
  const authority = new Authority();
  const server = authority.signs("server", "IP:127.0.0.1");
  const [own, another] = ["one", "two"].map((it) => authority.signs(it, `DNS:${it}.client.example`));
  const [alone, stranger] = ["alone", "stranger"].map((it) => authority.selfSigned(it, `DNS:${it}.client.example`));
  let authorization, api;

  before(async () => {
    const clients = [
      { client_id: "vouched-for", token_endpoint_auth_method: "tls_client_auth", tls_client_auth_san_dns: "one.client.example" },
      { client_id: "self-signed", token_endpoint_auth_method: "self_signed_tls_client_auth", jwks: { keys: [alone.jwk] } },
    ];
    authorization = await start(startAuthorization(clients, { tls: { ...server, ca: authority.pem } }));
    api = await start(startApi(authorization));
    started.push({ stop: () => authority.stop(), keys: [own, another, alone, stranger].map((it) => it.key) });
  });

  const connect = (key, oauth2, client_id, shown, more = {}) => {
    const whole = { issuer: authorization.issuer, client_auth: "tls", ...oauth2 };
    const credentials = { client_id, certificate: shown.cert, private_key: shown.key, ...more };
    return attache.connect(key, { baseUrl: api.url, oauth2: whole, credentials, upstream: { ca: authority.pem } });
  };

  /** What the server has seen of whoever asked there. */
  const shownAt = (asked) => authorization.certificates.flatMap(([path, print]) => (path === asked ? [print] : []));

  for (const [way, client_id, shown] of [["tls_client_auth", "vouched-for", own], ["self_signed_tls_client_auth", "self-signed", alone]]) {
    test(`client_credentials by ${way}: one token request, where the metadata has clients show certificates`, async () => {
      await connect(client_id, { grant: "client_credentials", scopes: ["read"] }, client_id, shown);
      for (let it = 0; it < 3; it += 1) assert.equal((await whoami(client_id)).client_id, client_id);
      assert.deepEqual(authorization.of(client_id).map((it) => it.shown), [shown.fingerprint]);
    });

    test(`an imported refresh token by ${way}: each is used once, and each time with the certificate`, async () => {
      const { refresh_token } = await authorization.grantedElsewhere(client_id, "ann");
      const key = `moved-${client_id}`;
      await connect(key, { grant: "refresh_token", ...BRIEF }, client_id, shown, { refresh_token });
      const had = authorization.of(client_id).length;
      await shownSeveral(key, 3);
      const outcomes = authorization.of(client_id).slice(had);
      assert.ok(outcomes.length >= 3 && outcomes.every((it) => it.shown === shown.fingerprint));
      assert.deepEqual(outcomes.flatMap((it) => it.error ?? []), []);
      await attache.send("DELETE", `connections/${key}`);
    });
  }

  test("authorization_code by tls_client_auth: what is pushed, exchanged and revoked is so with the certificate", async () => {
    const oauth2 = { grant: "authorization_code", issuer: authorization.issuer, client_auth: "tls", scopes: ["openid", "read"] };
    const credentials = { client_id: "vouched-for", certificate: own.cert, private_key: own.key };
    const inputs = Object.fromEntries(Object.keys(credentials).map((it) => [it, "global"]));
    const holder = await attache.connectFor("acme", "consent", { baseUrl: api.url, oauth2, credentials, inputs, upstream: { ca: authority.pem } });
    // A browser would have to be told of the authority; the same pages stand inside.
    await consented(holder, (url) => url.replace(authorization.issuer, authorization.inside));
    assert.equal((await whoami("consent@acme")).sub, "ann");
    assert.equal(authorization.of("vouched-for").at(-1).shown, own.fingerprint);
    const ended = await attache.send("POST", `${holder}/revoke`);
    assert.equal(ended.at_provider, true, JSON.stringify(ended));
    assert.deepEqual(shownAt("/request"), [own.fingerprint]);
    const revoking = shownAt("/token/revocation");
    assert.ok(revoking.includes(own.fingerprint) && revoking.every(Boolean), `${revoking}`);
  });

  test("a certificate that is not the client's yields no token, whoever vouches for it", async () => {
    const cases = { "another-s": ["vouched-for", another], "not-vouched-for": ["vouched-for", stranger], "not-registered": ["self-signed", stranger] };
    for (const [key, [client_id, shown]] of Object.entries(cases)) {
      await connect(key, { grant: "client_credentials" }, client_id, shown);
      const answer = await attache.through(key);
      assert.deepEqual([answer.status, answer.error], [503, "credential_unavailable"], key);
      const refused = authorization.of(client_id).filter((it) => it.error === "invalid_client" && it.shown === shown.fingerprint);
      assert.equal(refused.length, 1, key);
    }
  });
});

describe("proofs", () => {
  const proofs = new Proofs();
  let authorization, api;

  before(async () => {
    const bound = { dpop_bound_access_tokens: true };
    const clients = [
      { client_id: "robot", client_secret: secret, ...bound },
      { client_id: "person", client_secret: secret, ...bound },
      { client_id: "public", token_endpoint_auth_method: "none", ...bound },
      { client_id: "screen", client_secret: secret, ...bound },
    ];
    const dPoP = { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true };
    authorization = await start(startAuthorization(clients, { features: { dPoP } }));
    api = await start(startApi(authorization, { scheme: "DPoP", refusal: (...request) => proofs.refusal(...request) }));
  });

  const method = (more) => ({ issuer: authorization.issuer, dpop: true, ...more });
  const asking = (more) => method({ grant: "authorization_code", scopes: ["openid", "offline_access", "read"], authorize_params: { prompt: "consent" }, ...more });

  /** The errors that the server has told a client. */
  const refusedTo = (client) => authorization.of(client).flatMap((it) => it.error ?? []);

  test("client_credentials: the token request and each request are proven, with the nonces of both", async () => {
    const oauth2 = method({ grant: "client_credentials", scopes: ["read"] });
    await attache.connect("robot", { baseUrl: api.url, oauth2, credentials: { client_id: "robot", client_secret: secret } });
    const { cnf, nth } = await whoami("robot", { path: "/whoami?with=a%20query" });
    assert.deepEqual([refusedTo("robot"), authorization.of("robot").length], [["use_dpop_nonce"], 2]);
    assert.deepEqual(proofs.refusals, ["nonce"]);

    // From then on the API's nonce is known; a new one costs one more round, which callers do not see, with a body or without.
    for (let it = 0; it < 5; it += 1) assert.equal((await whoami("robot")).nth, nth);
    assert.deepEqual(proofs.refusals, ["nonce"]);
    proofs.renewNonce();
    await whoami("robot", { method: "POST", body: "a body that is kept until then" });
    assert.deepEqual(proofs.refusals, ["nonce", "nonce"]);
    assert.deepEqual([new Set(proofs.keys).size, proofs.keys[0], authorization.of("robot").length], [1, cnf.jkt, 2]);
  });

  test("the token alone is good for nothing, nor is it with another key", async () => {
    const { jkt } = (await whoami("robot")).cnf;
    const token = api.tokens.at(-1);
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const header = { typ: "dpop+jwt", alg: "ES256", jwk: await exportJWK(publicKey) };
    const ath = createHash("sha256").update(token).digest("base64url");
    const claims = { jti: "one", htm: "GET", htu: `${api.url}/whoami`, ath, nonce: proofs.nonce };
    const proof = await new SignJWT(claims).setProtectedHeader(header).setIssuedAt().sign(privateKey);
    const refused = proofs.refusals.length;
    for (const headers of [{ authorization: `Bearer ${token}` }, { authorization: `DPoP ${token}` }, { authorization: `DPoP ${token}`, dpop: proof }]) {
      assert.equal((await fetch(`${api.url}/whoami`, { headers })).status, 401);
    }
    assert.deepEqual(proofs.refusals.slice(refused), ["no proof", "another key"]);
    // What a caller writes there does not reach the API.
    assert.equal((await whoami("robot", { headers: { dpop: proof } })).cnf.jkt, jkt);
  });

  test("the key is kept with the token: a restart asks for neither", async () => {
    const before = await whoami("robot");
    const had = authorization.of("robot").length;
    await attache.end("SIGTERM");
    await attache.run();
    const now = await whoami("robot");
    assert.deepEqual([now.nth, now.cnf.jkt, authorization.of("robot").length], [before.nth, before.cnf.jkt, had]);
  });

  const consenting = { person: [{ client_secret: secret }, { client_auth: "basic" }], public: [{}, { client_auth: "none" }] };
  for (const [client_id, [credentials, settings]] of Object.entries(consenting)) {
    test(`authorization_code by the client "${client_id}": every renewal is proven with the key of the consent`, async () => {
      const connection = { baseUrl: api.url, oauth2: asking({ ...settings, ...BRIEF }), credentials: { client_id, ...credentials } };
      const holder = await attache.connectFor("acme", client_id, connection);
      await consented(holder);
      const { cnf, sub } = await whoami(`${client_id}@acme`);
      assert.equal(sub, "ann");
      await shownSeveral(`${client_id}@acme`, 4);
      assert.equal(proofs.keys.at(-1), cnf.jkt);
      assert.deepEqual(refusedTo(client_id).filter((it) => it !== "use_dpop_nonce"), []);
      const given = authorization.refreshTokensOf(client_id);
      assert.ok(given.length >= 4 && new Set(given).size === given.length, "each was new");
      await attache.send("DELETE", holder);
    });
  }

  test("device_code: the token that is waited for is bound", async () => {
    const oauth2 = method({ grant: "device_code", client_auth: "basic", scopes: ["openid", "offline_access", "read"], authorize_params: { prompt: "consent" } });
    const holder = await attache.connectFor("acme", "screen", { baseUrl: api.url, oauth2, credentials: { client_id: "screen", client_secret: secret } });
    const begun = await attache.send("POST", `${holder}/authorize`, {});
    await consentOnDevice(begun.verification_uri, begun.user_code, ANN);
    await soon("it is served", async () => (await attache.through("screen@acme")).status === 200);
    const { cnf, sub } = await whoami("screen@acme");
    assert.deepEqual([sub, proofs.keys.at(-1)], ["ann", cnf.jkt]);
  });
});
