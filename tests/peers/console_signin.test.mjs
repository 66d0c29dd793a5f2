// Operators who sign in to the console by OpenID Connect: in a real browser at a provider that others wrote (oidc-provider),
// and at one that lies about each thing in turn.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { SignJWT, UnsecuredJWT } from "jose";
import { Provider } from "oidc-provider";
import { Attache, assertTold } from "./support/attache.mjs";
import { PEOPLE } from "./support/authorization.mjs";
import { interact, isInteraction } from "./support/interactions.mjs";
import { openBrowser, person } from "./support/page.mjs";

const CLIENT = "attache-console";
const SECRET = "the-console-s-own-secret-of-32-bytes-or-more";
/** What the provider says of people: ann is an operator, beth is nobody here. */
const GROUPS = { ann: ["staff", "attache-operators"], beth: ["staff"] };
const hidden = [SECRET, ...Object.values(PEOPLE)];

async function listen(handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, server, stop };
}

async function attacheWith(issuer, more = {}) {
  const attache = new Attache();
  const oidc = { issuer, client_id: CLIENT, client_secret: SECRET, name: "Example ID", role_claim: "/groups/here", ...more };
  const roles = { admin: ["attache-admins"], operator: ["attache-operators"], viewer: ["attache-viewers"] };
  const anywhere = { listen: "127.0.0.1:0" };
  const admin = { ...anywhere, token: attache.token, oidc: { roles, ...oidc } };
  attache.more = { server: { proxy: anywhere, admin, public: anywhere, shutdown: { ready_delay: "0s" } } };
  await attache.run();
  attache.console = `http://${attache.admin}`;
  hidden.push(attache.token);
  return attache;
}

/** What the audit trail has of sign-ins, the newest first. */
async function entered(attache) {
  return (await attache.send("GET", "audit?kind=console%20session&limit=100")).items;
}

const redirectUri = (attache) => `${attache.console}/console/oidc/callback`;

describe("at a real provider", () => {
  let attache, provider, listener, browser;

  before(async () => {
    browser = await openBrowser();
    listener = await listen((request, response) => serve(request, response));
    attache = await attacheWith(listener.url);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const account = (id) => ({ sub: id, email: `${id}@example.com`, groups: { here: GROUPS[id] } });
    provider = new Provider(listener.url, {
      clients: [{ client_id: CLIENT, client_secret: SECRET, redirect_uris: [redirectUri(attache)], grant_types: ["authorization_code"], response_types: ["code"] }],
      cookies: { keys: ["of these tests alone"] },
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" }] },
      clientDefaults: { id_token_signed_response_alg: "ES256" },
      scopes: ["openid", "email", "profile"],
      claims: { openid: ["sub", "groups"], email: ["email"] },
      conformIdTokenClaims: false,
      findAccount: (_, id) => ({ accountId: id, claims: () => account(id) }),
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
    });
    provider.on("authorization.success", (_, out) => hidden.push(out?.code));
    provider.on("grant.success", (ctx) => hidden.push(ctx.body.access_token, ctx.body.id_token));
    provider.on("server_error", (_, error) => console.error("oidc-provider:", error));
  });

  after(async () => {
    const said = attache.said();
    await browser.close();
    await attache.stop();
    listener.stop();
    assertTold(`${said} GET`, hidden);
  });

  function serve(request, response) {
    const { pathname } = new URL(request.url, listener.url);
    return isInteraction(pathname) ? interact(provider, PEOPLE, request, response) : provider.callback()(request, response);
  }

  /** Logs in at the provider, and says this. */
  async function at(page, name, answer = "allow") {
    while (page.url().startsWith(listener.url)) {
      if (await page.$('[name="password"]')) {
        await page.fill('[name="name"]', name);
        await page.fill('[name="password"]', PEOPLE[name]);
      }
      await page.fill('[name="answer"]', answer);
      await page.click("button");
    }
  }

  async function visiting(run) {
    const own = await person(browser, attache.console);
    await run(own.page, own.context);
    await own.context.close();
    return own.faults;
  }

  /** With the cookies of the page's browser. */
  const session = async (page) => (await page.context().request.get(`${attache.console}/console/session`)).json();

  test("somebody with a role signs in, comes back to where they were, and works under their own name", async () => {
    const faults = await visiting(async (page, context) => {
      await page.goto(`${attache.console}/console/oidc/start?return=${encodeURIComponent("/tenants?q=a")}`);
      const back = page.waitForURL(`${attache.console}/tenants?q=a`);
      await at(page, "ann");
      await back;
      const shown = await session(page);
      assert.deepEqual(shown.operator, { name: "ann@example.com", role: "operator", via: "oidc" });
      assert.deepEqual([shown.signed_in, shown.ways, shown.oidc], [true, ["token", "oidc"], { name: "Example ID" }]);
      // The provider's own are there as well: a port is no part of a cookie's host.
      const cookies = (await context.cookies(attache.console)).filter((it) => it.name.startsWith("attache"));
      assert.deepEqual(cookies.map((it) => [it.name, it.httpOnly, it.sameSite]), [["attache_session", true, "Strict"]]);
      const asked = (method, path, body) =>
        page.evaluate(
          async ([method, path, csrf, body]) => {
            const headers = { "attache-console": csrf, "content-type": "application/json" };
            const answer = await fetch(path, { method, headers, body });
            return { status: answer.status, said: await answer.json().catch(() => null) };
          },
          [method, path, shown.csrf, body],
        );
      const whoami = await asked("GET", "/v1/whoami");
      assert.deepEqual([whoami.status, whoami.said.name, whoami.said.role], [200, "ann@example.com", "operator"]);
      assert.equal((await asked("PUT", "/v1/tenants/acme", "{}")).status, 201);
      assert.equal((await asked("POST", "/v1/tokens", '{"key":"mine","role":"admin"}')).status, 403);
      const [made] = (await attache.send("GET", "audit?kind=tenant")).items;
      assert.equal(made.who, "person ann@example.com");
      const [signedIn] = await entered(attache);
      assert.deepEqual([signedIn.act, signedIn.who, signedIn.after.identity], ["signed_in", "person ann@example.com", `oidc:${listener.url}#ann`]);
      assert.equal((await asked("DELETE", "/console/session")).status, 204);
      assert.equal((await session(page)).signed_in, false);
    });
    assert.deepEqual(faults.filter((it) => !/403/.test(it)), [], "the browser complains of nothing");
  });

  test("what led in once does not lead in again, in the same browser or another", async () => {
    let url;
    const watched = (page) => page.on("request", (it) => it.url().startsWith(redirectUri(attache)) && (url = it.url()));
    await visiting(async (page, context) => {
      watched(page);
      await page.goto(`${attache.console}/console/oidc/start`);
      // The cookie as it was before it was taken away.
      const cookie = (await context.cookies(attache.console)).find((it) => it.name.startsWith("attache"));
      assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ["attache_sign_in", true, "Lax"]);
      await at(page, "ann");
      await page.waitForURL(`${attache.console}/`);
      await context.addCookies([cookie]);
      assert.equal((await page.goto(url)).status(), 400);
      assert.equal(await page.textContent("h1"), "You are not signed in");
    });
    await visiting(async (page) => {
      assert.equal((await page.goto(url)).status(), 400);
      assert.match(await page.textContent("main"), /did not begin in this browser/);
      assert.equal((await session(page)).signed_in, false);
    });
  });

  test("somebody without a role is told so, and so is the audit trail", async () => {
    await visiting(async (page) => {
      await page.goto(`${attache.console}/console/oidc/start`);
      await at(page, "beth");
      assert.match(await page.textContent("main"), /Example ID knows you as beth@example.com, and nothing that it says of you gives you a role/);
      assert.equal((await session(page)).signed_in, false);
    });
    const [refused] = await entered(attache);
    assert.equal(refused.act, "refused");
    assert.match(refused.after.because, /beth@example.com \(beth\) has no role/);
  });

  test("somebody who says no at the provider reads that", async () => {
    await visiting(async (page) => {
      await page.goto(`${attache.console}/console/oidc/start`);
      await at(page, "ann", "deny");
      assert.match(await page.textContent("main"), /did not let you in: consent was denied/);
    });
  });
});

describe("at a provider that lies", () => {
  let attache, listener, key, other;
  /** What it says instead of the truth. */
  let lies = {};

  before(async () => {
    [key, other] = [0, 1].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }));
    listener = await listen((request, response) => serve(request, response).catch((error) => response.writeHead(500).end(String(error))));
    attache = await attacheWith(listener.url);
  });

  after(async () => {
    await attache.stop();
    listener.stop();
  });

  /** Codes with the parameters that they were asked for by. */
  const codes = new Map();

  async function serve(request, response) {
    const at = new URL(request.url, listener.url);
    const json = (body, status = 200) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    switch (at.pathname) {
      case "/.well-known/openid-configuration":
        return json({
          issuer: listener.url,
          authorization_endpoint: `${listener.url}/authorize`,
          token_endpoint: `${listener.url}/token`,
          jwks_uri: `${listener.url}/keys`,
          authorization_response_iss_parameter_supported: true,
        });
      case "/keys":
        return json({ keys: [{ ...key.publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "ES256" }] });
      case "/authorize": {
        const asked = Object.fromEntries(at.searchParams);
        const code = `code-${codes.size}`;
        codes.set(code, asked);
        const back = new URL(asked.redirect_uri);
        const said = lies.error ? { error: lies.error } : { code };
        const all = { state: asked.state, iss: listener.url, ...said, ...lies.back };
        for (const [name, value] of Object.entries(all)) if (value !== null) back.searchParams.set(name, value);
        return response.writeHead(302, { location: back.href }).end();
      }
      case "/token": {
        const form = new URLSearchParams(await text(request));
        const asked = codes.get(form.get("code"));
        codes.delete(form.get("code"));
        const challenge = createHash("sha256").update(form.get("code_verifier")).digest("base64url");
        const basic = Buffer.from(`${CLIENT}:${SECRET}`).toString("base64");
        const isSound = asked && challenge === asked.code_challenge && asked.code_challenge_method === "S256" && form.get("redirect_uri") === asked.redirect_uri;
        if (!isSound || request.headers.authorization !== `Basic ${basic}`) return json({ error: "invalid_grant" }, 400);
        return json({ access_token: "the-access-token", token_type: "Bearer", expires_in: 60, id_token: await idToken(asked) });
      }
      default:
        return response.writeHead(404).end();
    }
  }

  async function idToken({ nonce }) {
    const now = Math.floor(Date.now() / 1000);
    const hash = createHash("sha256").update("the-access-token").digest().subarray(0, 16).toString("base64url");
    const truth = { iss: listener.url, sub: "7", aud: CLIENT, exp: now + 60, iat: now, nonce, at_hash: hash, email: "eve@example.com", groups: { here: ["attache-admins"] } };
    const claims = { ...truth, ...lies.claims };
    if (lies.unsigned) return new UnsecuredJWT(claims).encode();
    if (lies.shared) return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(Buffer.from(SECRET));
    const signer = lies.forged ? other : key;
    return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(signer.privateKey);
  }

  async function text(request) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  const go = (url, cookie) => fetch(url, { redirect: "manual", headers: cookie ? { cookie } : {} });

  /** Goes there and back as a browser does; what the way back is answered. */
  async function signIn({ query = "", bend = (url) => url, cookie = (it) => it } = {}) {
    const start = await go(`${attache.console}/console/oidc/start${query}`);
    assert.equal(start.status, 303, await start.text());
    const own = start.headers.get("set-cookie").split(";")[0];
    const there = await go(start.headers.get("location"));
    const back = await go(bend(there.headers.get("location")), cookie(own));
    const given = back.headers.getSetCookie().filter((it) => it.startsWith("attache_session="));
    return { status: back.status, said: await back.text(), given };
  }

  test("the truth is believed", async () => {
    lies = {};
    const { status, said, given } = await signIn({ query: "?return=/callers" });
    assert.equal(status, 200, said);
    assert.match(said, /<meta http-equiv="refresh" content="0; url=\/callers">/);
    assert.equal(given.length, 1);
    const shown = await (await go(`${attache.console}/console/session`, given[0].split(";")[0])).json();
    assert.deepEqual(shown.operator, { name: "eve@example.com", role: "admin", via: "oidc" });
  });

  const LIES = [
    ["a nonce of another sign-in", { claims: { nonce: "another" } }, 401],
    ["no nonce", { claims: { nonce: undefined } }, 401],
    ["another audience", { claims: { aud: "another-client" } }, 401],
    ["another party beside us", { claims: { aud: [CLIENT, "another"], azp: "another" } }, 401],
    ["another issuer", { claims: { iss: "https://id.example.com" } }, 401],
    ["a token that is over", { claims: { exp: 1_700_000_000 } }, 401],
    ["a token without an end", { claims: { exp: undefined } }, 401],
    ["another access token", { claims: { at_hash: "AAAAAAAAAAAAAAAAAAAAAA" } }, 401],
    ["nobody", { claims: { sub: undefined } }, 401],
    ["another's key", { forged: true }, 401],
    ["no signature", { unsigned: true }, 401],
    ["the shared secret's signature", { shared: true }, 401],
    ["no role", { claims: { groups: {} } }, 403],
    ["a role of nobody's", { claims: { groups: { here: "attache-adminsx" } } }, 403],
    ["another server's answer (RFC 9207)", { back: { iss: "https://evil.test" } }, 400],
    ["nobody's answer (RFC 9207)", { back: { iss: null } }, 400],
    ["another state", { back: { state: "another" } }, 400],
    ["no state", { back: { state: null } }, 400],
    ["an error", { error: "server_error" }, 400],
    ["an error with markup", { error: "<script>alert(1)</script>" }, 400],
  ];
  for (const [what, lie, status] of LIES) {
    test(`${what}: nobody is signed in`, async () => {
      // Of wrong answers there are more than an address may give.
      await attache.stop();
      attache = await attacheWith(listener.url);
      lies = lie;
      const refused = await signIn();
      assert.equal(refused.status, status, refused.said);
      assert.deepEqual(refused.given, []);
      assert.doesNotMatch(refused.said, /<script|the-access-token/);
      assert.match(refused.said, /You are not signed in/);
      const [entry] = await entered(attache);
      assert.deepEqual([entry.act, entry.after.via, entry.after.from], ["refused", "oidc", "127.0.0.1"]);
    });
  }

  test("a browser without its cookie, or with another's, is not signed in", async () => {
    lies = {};
    for (const cookie of [() => "", () => "attache_sign_in=1.x.y", (it) => `${it}; ${it}`, (it) => it.replace(/\.(.)/, (_, first) => (first === "A" ? ".B" : ".A"))]) {
      const { status, given } = await signIn({ cookie });
      assert.deepEqual([status, given], [400, []]);
    }
  });

  test("people go on to paths of ours alone", async () => {
    lies = {};
    for (const evil of ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "/%0d%0ax", "/\t/evil.test"]) {
      const { status, said } = await signIn({ query: `?return=${encodeURIComponent(evil)}` });
      assert.equal(status, 200, said);
      assert.match(said, /content="0; url=\/(%0d%0ax)?">/, evil);
      assert.doesNotMatch(said, /evil|javascript/);
    }
  });

  test("one that is away is told of, and nobody waits for ever", async () => {
    const away = await attacheWith("http://127.0.0.1:9");
    const start = await go(`${away.console}/console/oidc/start`);
    assert.equal(start.status, 502);
    assert.match(await start.text(), /Example ID can&#39;t be asked|Example ID can't be asked/);
    await away.stop();
  });
});
