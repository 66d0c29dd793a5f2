// An authorization server that others wrote: oidc-provider, with a client for each client authentication, every grant,
// rotating refresh tokens whose reuse revokes the whole grant, and the grants that it leaves to its user to register.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Provider, errors } from "oidc-provider";
import { interact, isInteraction } from "./interactions.mjs";

export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** Where consents come back to. Nothing listens there: the tests read the address. */
export const REDIRECT_URI = "https://app.example/oauth/back";

/** The API that asks here whether a token is good. */
const API = { client_id: "the-api", client_secret: "the-api-s-own-secret-of-32-bytes-or-more" };

/** Who can log in by name and password. */
export const PEOPLE = { ann: "hunter2 & more", beth: "correct horse; battery" };

/** Where clients prove themselves, with the paths that oidc-provider has for these. */
const ALIASES = Object.entries({
  token_endpoint: "/token",
  revocation_endpoint: "/token/revocation",
  introspection_endpoint: "/token/introspection",
  pushed_authorization_request_endpoint: "/request",
});

const AUTHENTICATIONS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];

/** Refresh tokens of these clients stay as they are; all others are new with each use. */
const STAYS = new Set(["stays"]);

/**
 * Starts one on loopback. `clients` are as RFC 7591 has them; each may use every grant unless it says which. `features`
 * go before those below. With `tls` (a certificate with its key, and who vouches for clients') it is reached by https, and
 * where it looks at clients' certificates is told by its metadata (RFC 8705 §5).
 */
export async function startAuthorization(clients, { path = "", features = {}, tls = null } = {}) {
  const inside = await Listener.start(createServer(), "http");
  const listeners = [inside];
  let [outside, discovery] = [inside, {}];
  if (tls) {
    outside = await Listener.start(createTlsServer({ cert: tls.cert, key: tls.key }), "https");
    const demands = { ca: tls.ca, requestCert: true, rejectUnauthorized: false };
    const mutual = await Listener.start(createTlsServer({ cert: tls.cert, key: tls.key, ...demands }), "https");
    discovery = { mtls_endpoint_aliases: Object.fromEntries(ALIASES.map(([name, at]) => [name, `${mutual.url}${path}${at}`])) };
    listeners.push(outside, mutual);
  }
  const all = [...clients.map(complete), complete({ ...API, grant_types: [] })];
  const provider = new Provider(`${outside.url}${path}`, settings(all, features, discovery, Boolean(tls)));
  registerGrants(provider);
  const authorization = new Authorization(listeners, `${inside.url}${path}`, provider);
  for (const it of listeners) it.server.on("request", (request, response) => authorization.serve(request, response, path));
  return authorization;
}

/** A server on a port that the system chose. */
class Listener {
  constructor(server, scheme) {
    this.server = server;
    this.url = `${scheme}://127.0.0.1:${server.address().port}`;
  }

  static async start(server, scheme) {
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    return new Listener(server, scheme);
  }
}

function complete(client) {
  const grant_types = ["authorization_code", "client_credentials", "refresh_token", "password", DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE];
  const whole = { grant_types, redirect_uris: [REDIRECT_URI], response_types: ["code"], ...client };
  if (!whole.grant_types.includes("authorization_code")) Object.assign(whole, { redirect_uris: [], response_types: [] });
  return whole;
}

function settings(clients, features, discovery, isMutual) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    clients,
    clientAuthMethods: [...AUTHENTICATIONS, ...(isMutual ? ["tls_client_auth", "self_signed_tls_client_auth"] : [])],
    discovery,
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
      mTLS: { enabled: isMutual, tlsClientAuth: isMutual, selfSignedTlsClientAuth: isMutual, ...certificates },
      ...features,
    },
  };
}

/** What is known of the certificate that a client has shown (RFC 8705 §2). */
const certificates = {
  getCertificate: (ctx) => ctx.req.socket.getPeerX509Certificate?.(),
  certificateAuthorized: (ctx) => ctx.req.socket.authorized,
  certificateSubjectMatches(ctx, property, expected) {
    assert.equal(property, "tls_client_auth_san_dns");
    return ctx.req.socket.getPeerX509Certificate().subjectAltName === `DNS:${expected}`;
  },
};

/** Of the certificate that a request's client has shown; `undefined` where it has shown none. */
function print(request) {
  return request.socket.getPeerX509Certificate?.()?.fingerprint256;
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

/** A running server, what was asked of its endpoints, and what happened to grants. */
class Authorization {
  /** Requests of each endpoint, by its path. */
  asked = new Map();
  /** Of each request the path, and the print of the certificate that was shown. */
  certificates = [];
  /**
   * What came of each token request, in their order: whose it was and the print of the certificate that was shown, with the
   * tokens or the error.
   */
  outcomes = [];
  /** Everything that was given and that nobody else may see: tokens, codes. */
  secrets = [];

  constructor(listeners, inside, provider) {
    this.listeners = listeners;
    this.inside = inside;
    this.provider = provider;
    this.handle = provider.callback();
    const whose = (ctx) => ({ client: ctx.oidc.client?.clientId, shown: print(ctx.req) });
    provider.on("grant.error", (ctx, { error, error_detail: detail }) => this.outcomes.push({ ...whose(ctx), error, detail }));
    provider.on("grant.success", (ctx) => {
      const { body } = ctx;
      this.secrets.push(body.access_token, body.refresh_token, body.id_token);
      this.outcomes.push({ ...whose(ctx), ...body });
    });
    provider.on("authorization.success", (_, out) => this.secrets.push(out?.code));
    provider.on("device_authorization.success", (_, body) => this.secrets.push(body.device_code));
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
    this.certificates.push([pathname, print(request)]);
    return isInteraction(pathname) ? interact(this.provider, PEOPLE, request, response) : this.handle(request, response);
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

  /** What came of a client's token requests. */
  of(client) {
    return this.outcomes.filter((it) => it.client === client);
  }

  /** The refresh tokens that a client was given, in their order. */
  refreshTokensOf(client) {
    return this.of(client).flatMap((it) => it.refresh_token ?? []);
  }

  /** A grant of this person to a client, had elsewhere: its access and refresh tokens. */
  async grantedElsewhere(clientId, accountId, scopes = ["read", "offline_access"]) {
    const client = await this.provider.Client.find(clientId);
    assert.ok(client, `no client ${clientId}`);
    const given = await issue(this.provider, client, accountId, scopes, "authorization_code");
    this.secrets.push(given.access_token, given.refresh_token);
    return given;
  }

  /** What the server itself says of a token (RFC 7662), as an API asks it. */
  async introspect(token) {
    const basic = Buffer.from(`${API.client_id}:${API.client_secret}`).toString("base64");
    const answer = await fetch(`${this.inside}/token/introspection`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token }),
    });
    assert.equal(answer.status, 200);
    return answer.json();
  }

  /** Whether the refresh token can be used, were it asked for. Using it would tell more than was meant. */
  async isGood(refreshToken) {
    const found = await this.provider.RefreshToken.find(refreshToken);
    return Boolean(found?.isValid && (await this.provider.Grant.find(found.grantId)));
  }

  /** The token is good no longer: it was taken back behind everybody's back. */
  async forget(token) {
    const found = (await this.provider.AccessToken.find(token)) ?? (await this.provider.ClientCredentials.find(token));
    await found.destroy();
  }

  stop() {
    for (const { server } of this.listeners) {
      server.closeAllConnections();
      server.close();
    }
  }
}
