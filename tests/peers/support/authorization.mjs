// An authorization server that others wrote: oidc-provider, with a client for each client authentication, every grant,
// rotating refresh tokens whose reuse revokes the whole grant, and the grants that it leaves to its user to register.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider, errors } from "oidc-provider";

export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** Where consents come back to. Nothing listens there: the tests read the address. */
export const REDIRECT_URI = "https://app.example/oauth/back";

/** The API that asks here whether a token is good. */
const API = { client_id: "the-api", client_secret: "the-api-s-own-secret-of-32-bytes-or-more" };

/** Who can log in by name and password. */
export const PEOPLE = { ann: "hunter2 & more" };

/** What a client proves itself with: a P-256 key, as attache takes it and as the server knows it. */
export function keyPair(kid) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const jwk = { ...createPublicKey(createPrivateKey(pem)).export({ format: "jwk" }), kid, use: "sig", alg: "ES256" };
  return { pem, jwk, kid };
}

/** Refresh tokens of these clients stay as they are; all others are new with each use. */
const STAYS = new Set(["stays"]);

/** Starts one on loopback. `clients` are as RFC 7591 has them; each may use every grant unless it says which. */
export async function startAuthorization(clients, { path = "" } = {}) {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const issuer = `http://127.0.0.1:${server.address().port}${path}`;
  const provider = new Provider(issuer, settings([...clients.map(complete), complete({ ...API, grant_types: [] })]));
  registerGrants(provider);
  const authorization = new Authorization(server, provider);
  server.on("request", (request, response) => authorization.serve(request, response, path));
  return authorization;
}

function complete(client) {
  const grant_types = ["authorization_code", "client_credentials", "refresh_token", "password", DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE];
  const whole = { grant_types, redirect_uris: [REDIRECT_URI], response_types: ["code"], ...client };
  if (!whole.grant_types.includes("authorization_code")) Object.assign(whole, { redirect_uris: [], response_types: [] });
  return whole;
}

function settings(clients) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    clients,
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
    cookies: { keys: ["of these tests alone"] },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" }] },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    scopes: ["openid", "offline_access", "read", "write"],
    claims: { openid: ["sub"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: (ctx) => !STAYS.has(ctx.oidc.client.clientId),
    issueRefreshToken: (_, client, code) => client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
    ttl: { AccessToken: 3600, ClientCredentials: 3600, Grant: 86400, RefreshToken: 86400, Session: 86400, Interaction: 600 },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client, token) => client.clientId === API.client_id || client.clientId === token.clientId },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => client.clientId === token.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({ scope: "read write", audience: resource, accessTokenTTL: 3600, accessTokenFormat: "opaque" }),
      },
    },
  };
}

/** The grants that oidc-provider has no handler for. What an assertion says is checked with the client's own keys. */
function registerGrants(provider) {
  const register = (name, parameters, who) => {
    const handler = async (ctx) => {
      const scopes = (ctx.oidc.params.scope ?? "").split(" ").filter(Boolean);
      ctx.body = await issue(provider, ctx.oidc.client, await who(ctx.oidc.params, ctx), scopes, name);
    };
    provider.registerGrantType(name, handler, ["scope", ...parameters]);
  };
  register("password", ["username", "password"], ({ username, password }) => {
    if (PEOPLE[username] !== password) throw new errors.InvalidGrant("wrong name or password");
    return username;
  });
  register(JWT_BEARER, ["assertion"], async ({ assertion }, ctx) => {
    const { jwtVerify, importJWK } = await import("jose");
    const [jwk] = ctx.oidc.client.jwks.keys;
    const options = { audience: `${provider.issuer}/token`, issuer: ctx.oidc.client.clientId, requiredClaims: ["exp", "sub"] };
    const verified = await jwtVerify(assertion, await importJWK(jwk, "ES256"), options).catch((error) => {
      throw new errors.InvalidGrant(error.message);
    });
    return verified.payload.sub;
  });
  register(TOKEN_EXCHANGE, ["subject_token", "subject_token_type", "requested_token_type", "audience"], async (params) => {
    if (params.subject_token_type !== "urn:ietf:params:oauth:token-type:access_token") throw new errors.InvalidRequest("another type");
    const subject = await provider.AccessToken.find(params.subject_token ?? "");
    if (!subject) throw new errors.InvalidGrant("the subject token is not good");
    return subject.accountId;
  });
}

async function issue(provider, client, accountId, scopes, gty) {
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(["openid", ...scopes].join(" "));
  const grantId = await grant.save();
  const scope = scopes.join(" ");
  const token = new provider.AccessToken({ accountId, client, grantId, gty, scope });
  const body = { access_token: await token.save(), expires_in: 3600, token_type: "Bearer", scope };
  if (scopes.includes("offline_access")) {
    body.refresh_token = await new provider.RefreshToken({ accountId, client, grantId, gty, scope }).save();
  }
  if (gty === TOKEN_EXCHANGE) body.issued_token_type = "urn:ietf:params:oauth:token-type:access_token";
  return body;
}

/** A running server, what was asked of its token endpoint, and what happened to grants. */
class Authorization {
  /** Requests of each endpoint, by its path. */
  asked = new Map();
  revokedGrants = 0;

  constructor(server, provider) {
    this.server = server;
    this.provider = provider;
    this.handle = provider.callback();
    provider.on("grant.revoked", () => (this.revokedGrants += 1));
    provider.on("server_error", (_, error) => console.error("oidc-provider:", error));
  }

  get issuer() {
    return this.provider.issuer;
  }

  serve(request, response, path) {
    if (!request.url.startsWith(path)) {
      response.statusCode = 404;
      return response.end();
    }
    request.originalUrl = request.url;
    request.url = request.url.slice(path.length) || "/";
    const { pathname } = new URL(request.url, this.issuer);
    this.asked.set(pathname, this.count(pathname) + 1);
    return this.handle(request, response);
  }

  count(path) {
    return this.asked.get(path) ?? 0;
  }

  /** What came of `act`, and how many requests of this endpoint it took. */
  async counting(path, act) {
    const before = this.count(path);
    const done = await act();
    return [done, this.count(path) - before];
  }

  /** A grant of this person to a client, had elsewhere: its access and refresh tokens. */
  async grantedElsewhere(clientId, accountId, scopes = ["read", "offline_access"]) {
    const client = await this.provider.Client.find(clientId);
    assert.ok(client, `no client ${clientId}`);
    return issue(this.provider, client, accountId, scopes, "authorization_code");
  }

  /** What the server itself says of a token (RFC 7662), as an API asks it. */
  async introspect(token) {
    const basic = Buffer.from(`${API.client_id}:${API.client_secret}`).toString("base64");
    const answer = await fetch(`${this.issuer}/token/introspection`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token }),
    });
    assert.equal(answer.status, 200);
    return answer.json();
  }

  /** The token is good no longer: it was taken back behind everybody's back. */
  async forget(token) {
    const found = (await this.provider.AccessToken.find(token)) ?? (await this.provider.ClientCredentials.find(token));
    await found.destroy();
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
