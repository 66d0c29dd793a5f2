// OAuth 2.0 against an authorization server that others wrote (oidc-provider), each case by a request through attache to an
// API that asks that server about the token it was sent.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Attache, assertTold } from "./support/attache.mjs";
import { PEOPLE, startAuthorization } from "./support/authorization.mjs";
import { AUTHENTICATIONS, clientOf, key, registered, secret } from "./support/client-authentications.mjs";
import { startApi } from "./support/introspecting-api.mjs";

const clients = [
  ...registered,
  { client_id: "stays", client_secret: secret },
  { client_id: "robot", token_endpoint_auth_method: "none", jwks: { keys: [key.jwk] }, grant_types: ["urn:ietf:params:oauth:grant-type:jwt-bearer"], redirect_uris: [], response_types: [] },
];

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
  assertTold(said, [secret, PEOPLE.ann, ...api.tokens, ...authorization.secrets, attache.callerKey, attache.token]);
});

/** A connection by these settings and fields, in front of the API. */
const connect = (name, settings, credentials, more = {}) =>
  attache.connect(name, { baseUrl: api.url, oauth2: { token_url: `${authorization.issuer}/token`, ...settings }, credentials, ...more });

/** The claims of the token that the API was shown, which has to be good. */
async function whoami(connection, more) {
  const answer = await attache.through(connection, more);
  assert.equal(answer.status, 200, `${connection}: ${JSON.stringify(answer)}\n${attache.said()}`);
  return answer.said;
}

for (const [name, { credentials, settings }] of Object.entries(AUTHENTICATIONS)) {
  test(`client_credentials by ${name}: one token request, and the API finds the token good`, async () => {
    const client_id = clientOf(name);
    await connect(client_id, { grant: "client_credentials", client_auth: name, scopes: ["read"], ...settings }, { client_id, ...credentials });
    const [claims, asked] = await authorization.counting("/token", async () => {
      await whoami(client_id);
      return whoami(client_id);
    });
    assert.equal(asked, 1);
    assert.equal(claims.client_id, client_id);
    assert.equal(claims.scope, "read");
  });
}

test("endpoints that are not given are found by the issuer alone", async () => {
  const oauth2 = { grant: "client_credentials", issuer: authorization.issuer, scopes: ["write"] };
  await attache.connect("found", { baseUrl: api.url, oauth2, credentials: { client_id: "by-basic", client_secret: secret } });
  const claims = await whoami("found");
  assert.equal(claims.iss, authorization.issuer);
  assert.equal(claims.scope, "write");
});

test("an issuer with a path is found as OpenID Connect Discovery has it", async () => {
  const elsewhere = await startAuthorization(clients, { path: "/realms/one" });
  const itsApi = await startApi(elsewhere);
  try {
    const oauth2 = { grant: "client_credentials", issuer: elsewhere.issuer };
    await attache.connect("realm", { baseUrl: itsApi.url, oauth2, credentials: { client_id: "by-basic", client_secret: secret } });
    assert.equal((await whoami("realm")).iss, elsewhere.issuer);
  } finally {
    itsApi.stop();
    elsewhere.stop();
  }
});

test("a token is for the API that the resource indicator names (RFC 8707)", async () => {
  const settings = { grant: "client_credentials", scopes: ["read"], resources: ["https://api.example/v1"] };
  await connect("for-one-api", settings, { client_id: "by-basic", client_secret: secret });
  assert.equal((await whoami("for-one-api")).aud, "https://api.example/v1");
});

test("while a client secret is being changed either one is taken", async () => {
  const settings = { grant: "client_credentials", client_auth: "body" };
  await connect("two-secrets", settings, { client_id: "by-body", client_secret: ["the next one, which is not known there yet", secret] });
  assert.equal((await whoami("two-secrets")).client_id, "by-body");
});

test("a wrong client secret is the operator's to mend: no token, a time to come back, and no storm of requests", async () => {
  await connect("wrong", { grant: "client_credentials" }, { client_id: "by-basic", client_secret: "not it" });
  const [answers, asked] = await authorization.counting("/token", async () => {
    const all = [];
    for (let it = 0; it < 5; it += 1) all.push(await attache.through("wrong"));
    return all;
  });
  assert.deepEqual(answers.map((it) => [it.status, it.error]), Array(5).fill([503, "credential_unavailable"]));
  assert.ok(answers.every((it) => it.said.retry_after > 0));
  assert.equal(asked, 1);
});

test("password: a person's own name and password", async () => {
  const credentials = { client_id: "by-basic", client_secret: secret, username: "ann", password: PEOPLE.ann };
  await connect("password", { grant: "password", scopes: ["read"] }, credentials);
  assert.equal((await whoami("password")).sub, "ann");
});

test("a password that is refused is for a person to mend", async () => {
  const credentials = { client_id: "by-basic", client_secret: secret, username: "ann", password: "hunter3" };
  await connect("wrong-password", { grant: "password" }, credentials);
  const answer = await attache.through("wrong-password");
  assert.deepEqual([answer.status, answer.error], [424, "reauthorization_required"]);
});

test("jwt_bearer: an assertion that is signed here, for the subject that the fields name", async () => {
  const assertion = { algorithm: "ES256", subject: "{subject}" };
  const credentials = { client_id: "robot", subject: "ann", private_key: key.pem, key_id: key.kid };
  await connect("robot", { grant: "jwt_bearer", client_auth: "none", scopes: ["read"], assertion, token_params: { client_id: "{client_id}" } }, credentials);
  assert.equal((await whoami("robot")).sub, "ann");
});

test("token_exchange: another token's subject, in a token of this client's", async () => {
  const { access_token } = await authorization.grantedElsewhere("stays", "beth");
  const credentials = { client_id: "by-body", client_secret: secret, subject_token: access_token };
  await connect("exchange", { grant: "token_exchange", client_auth: "body", scopes: ["read"] }, credentials);
  const claims = await whoami("exchange");
  assert.deepEqual([claims.sub, claims.client_id], ["beth", "by-body"]);
});

test("an imported refresh token that stays the same is good for one token after another", async () => {
  const { refresh_token } = await authorization.grantedElsewhere("stays", "ann");
  const settings = { grant: "refresh_token", refresh: { rotates: false } };
  await connect("imported", settings, { client_id: "stays", client_secret: secret, refresh_token });
  assert.equal((await whoami("imported")).sub, "ann");
  const [, asked] = await authorization.counting("/token", () => attache.through("imported"));
  assert.equal(asked, 0);
});

test("a token that was taken back at the provider is replaced by one token request", async () => {
  await connect("taken-back", { grant: "client_credentials", scopes: ["read"] }, { client_id: "by-basic", client_secret: secret });
  await whoami("taken-back");
  await authorization.forget(api.tokens.at(-1));
  const [answer, asked] = await authorization.counting("/token", async () => {
    let said = await attache.through("taken-back");
    while (said.status === 401) said = await attache.through("taken-back");
    return said;
  });
  assert.deepEqual([answer.status, asked], [200, 1]);
});

test("the endpoints that give tokens are no targets of requests", async () => {
  const oauth2 = { grant: "client_credentials", issuer: authorization.issuer, token_url: `${authorization.issuer}/token` };
  await attache.connect("itself", { baseUrl: authorization.issuer, oauth2, credentials: { client_id: "by-basic", client_secret: secret } });
  for (const path of ["/token", "/token/", "/%74oken"]) {
    const answer = await attache.through("itself", { path, method: "POST" });
    assert.deepEqual([answer.status, answer.error], [403, "destination_forbidden"], path);
  }
});
