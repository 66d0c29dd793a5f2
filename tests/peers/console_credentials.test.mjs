// How credentials come, change and end in the console: consents on another device, what the provider knows of a token, the
// end of a grant, secrets that a sender hands over, a method that is adjusted, an environment that goes another way, and
// what is going to fail. In a real browser; each act is proved by what attache, the provider and the APIs do then.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Attache, soon } from "./support/attache.mjs";
import { PEOPLE, startAuthorization } from "./support/authorization.mjs";
import { consentOnDevice } from "./support/browser.mjs";
import { Authority } from "./support/certificates.mjs";
import { assertGood, assertQuiet, openConsole, visit } from "./support/console.mjs";
import { startApi } from "./support/introspecting-api.mjs";
import { openBrowser } from "./support/page.mjs";

const APP = { client_id: "tv-app", client_secret: "the-app-s-own-secret-of-32-bytes-or-more" };
const ANN = { name: "ann", password: PEOPLE.ann };

const authority = new Authority();
let attache, authorization, api, browser, page, faults;
/** Two far ends, and who was asked last, with which headers. */
let far, near, asked;

before(async () => {
  [far, near] = await Promise.all(["far", "near"].map(startFar));
  authorization = await startAuthorization([APP]);
  api = await startApi(authorization);
  [browser, attache] = await Promise.all([openBrowser(), Attache.start()]);
  const device = (scopes) => ({
    grant: "device_code",
    device_url: `${authorization.issuer}/device/auth`,
    token_url: `${authorization.issuer}/token`,
    introspect_url: `${authorization.issuer}/token/introspection`,
    revoke_url: `${authorization.issuer}/token/revocation`,
    client_auth: "basic",
    scopes,
    authorize_params: { prompt: "consent" },
  });
  await attache.connect("tv", { baseUrl: api.url, oauth2: device(["openid", "offline_access", "read"]), credentials: APP });
  await attache.connectFor("acme", "guests", { baseUrl: api.url, oauth2: device(["openid", "read"]), credentials: APP, inputs: { client_id: "global", client_secret: "global" } });
  await attache.connect("guest", { baseUrl: api.url, oauth2: device(["openid", "read"]), credentials: APP });
  const key = { name: "Shop key", api_key: { in: "header", name: "X-Old-Key", format: "{key}" } };
  await attache.send("PUT", "connectors/shop", { name: "Shop", base_url: `${far.url}/shop`, auth: { key } });
  await attache.send("PUT", "connections/old", { connector: "shop", auth: "key", credentials: { key: "key-of-the-old-1" } });
  ({ page, faults } = await openConsole(browser, attache, { path: "/connections" }));
});

after(async () => {
  await browser.close();
  await attache.stop();
  for (const it of [api, authorization, far, near, authority]) it.stop();
});

async function startFar(name) {
  const server = createServer((request, response) => {
    asked = { by: name, headers: request.headers, method: request.method };
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

const button = (name) => page.getByRole("button", { name, exact: true });
const field = (name) => page.getByLabel(name, { exact: true });
const heading = (name, level = 1) => page.getByRole("heading", { name, level, exact: true });
const dialog = () => page.getByRole("dialog");

async function closed(act) {
  await button(act).click();
  await dialog().waitFor({ state: "detached" });
}

/** What came to a far end of a request through this connection. */
async function sentThrough(key) {
  asked = undefined;
  assert.equal((await attache.through(key, { path: "/orders" })).status, 200);
  return asked;
}

/** The code that is shown now, with where it is to be typed. */
async function shownCode() {
  await dialog().getByRole("heading", { name: "Consent on another device" }).waitFor();
  const { issuer } = authorization;
  const uri = (await dialog().getByText(`${issuer}/device`).first().innerText()).trim();
  const code = (await dialog().getByText(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/).innerText()).trim();
  return { uri, code };
}

describe("a consent on another device", () => {
  test("shows where to go and what to type, and is seen here by itself", async () => {
    await visit(page, "/connections/tv", "tv");
    await page.getByText("Not connected").first().waitFor();
    assert.equal((await attache.through("tv")).error, "reauthorization_required");
    await button("Connect now").first().click();
    const { uri, code } = await shownCode();
    await assertGood(page, "device-code");
    const done = await consentOnDevice(uri, code, ANN);
    assert.equal(done.status, 200);
    await dialog().waitFor({ state: "detached" });
    await page.getByText("The account is connected").waitFor();
    await page.getByText("Not connected").first().waitFor({ state: "detached" });
    const answer = await attache.through("tv");
    assert.deepEqual([answer.status, answer.said.sub], [200, "ann"]);
    await assertGood(page, "connection-granted");
  });

  test("that is refused there is told here, and another code is had", async () => {
    const before = authorization.refreshTokensOf(APP.client_id).at(-1);
    await button("Connect again").click();
    const first = await shownCode();
    await consentOnDevice(first.uri, first.code, { ...ANN, answer: "deny" });
    await dialog().getByText("Nothing came of it").waitFor();
    await assertGood(page, "device-refused");
    assert.equal((await attache.through("tv")).status, 200, "what there was goes on being used");
    await button("Another code").click();
    await dialog().getByText(first.code).waitFor({ state: "detached" });
    const second = await shownCode();
    await consentOnDevice(second.uri, second.code, ANN);
    await dialog().waitFor({ state: "detached" });
    assert.notEqual(authorization.refreshTokensOf(APP.client_id).at(-1), before);
    assert.equal((await attache.through("tv")).status, 200);
  });

  test("can be put away, and counts all the same", async () => {
    await visit(page, "/connections/guest", "guest");
    await button("Connect now").first().click();
    const { uri, code } = await shownCode();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "detached" });
    await consentOnDevice(uri, code, ANN);
    await soon("it is granted", async () => (await attache.through("guest")).status === 200);
    await page.reload();
    await page.getByText("Ends soon").first().waitFor();
  });
});

describe("a grant", () => {
  test("is asked about at the provider: good, and good no longer", async () => {
    await visit(page, "/connections/tv", "tv");
    await button("Ask the provider").click();
    await page.getByText("The provider takes the token").waitFor();
    await page.getByText("ann · openid, offline_access, read").waitFor();
    await assertGood(page, "grant-known");
    assert.equal((await attache.through("tv")).status, 200);
    await authorization.forget(api.tokens.at(-1));
    await button("Ask the provider").click();
    await page.getByText("The provider does not take the token").waitFor();
    await assertGood(page, "grant-unknown");
  });

  test("is renewed at once where that is wanted", async () => {
    const had = authorization.refreshTokensOf(APP.client_id).length;
    await button("Renew now").click();
    await page.getByText("There is another token").waitFor();
    assert.equal(authorization.refreshTokensOf(APP.client_id).length, had + 1);
    await page.getByText("The provider does not take the token").waitFor({ state: "detached" });
    assert.equal((await attache.through("tv")).status, 200);
    await button("Ask the provider").click();
    await page.getByText("The provider takes the token").waitFor();
  });

  test("is ended here and at the provider, once it is said who is refused then", async () => {
    const refresh = authorization.refreshTokensOf(APP.client_id).at(-1);
    assert.ok(await authorization.isGood(refresh));
    await button("Revoke").click();
    await dialog().getByText("Its requests are refused from then on (424)", { exact: false }).waitFor();
    await assertGood(page, "grant-revoke");
    await dialog().getByRole("button", { name: "Revoke", exact: true }).click();
    await dialog().waitFor({ state: "detached" });
    await page.getByText("Ended here and at the provider").waitFor();
    await page.getByText("Its tokens were ended here. Connect it again to use it.").first().waitFor();
    assert.equal(await page.getByText("The provider takes the token").count(), 0, "what was known of it is over");
    assert.equal(await button("Renew now").count(), 0);
    assert.ok(!(await authorization.isGood(refresh)));
    assert.equal((await attache.through("tv")).error, "reauthorization_required");
    await assertGood(page, "grant-revoked");
  });
});

describe("what is going to fail", () => {
  before(async () => {
    // One that the provider has ended, one of a customer's that nothing renews, and a certificate that ends in two days.
    const { refresh_token } = await authorization.grantedElsewhere(APP.client_id, "ann");
    const oauth2 = { grant: "refresh_token", token_url: `${authorization.issuer}/token`, client_auth: "basic" };
    await attache.connect("dead", { baseUrl: api.url, oauth2, credentials: { ...APP, refresh_token } });
    await (await authorization.provider.RefreshToken.find(refresh_token)).destroy();
    assert.equal((await attache.through("dead")).error, "reauthorization_required");
    const asked = await attache.send("POST", "connections/guests/activations/acme/authorize", {});
    await consentOnDevice(asked.verification_uri, asked.user_code, ANN);
    await soon("acme is connected", async () => (await attache.through("guests@acme")).status === 200);
    const { cert, key } = authority.signs("acme", "DNS:acme.test");
    await attache.send("PUT", "connectors/bank", { name: "Bank", base_url: "https://bank.example", auth: { main: { mtls: {} } } });
    await attache.send("PUT", "connections/bank", { connector: "bank", auth: "main", credentials: { certificate: cert, private_key: key } });
  });

  const forecast = () => page.getByRole("region", { name: "Forecast" });

  test("is told where somebody looks at what goes on, the earliest first", async () => {
    await visit(page, "/live", "Live");
    await forecast().getByText("1 connection fails now, 3 connections die within 7 days").waitFor();
    await forecast().getByRole("button", { name: "Which ones" }).click();
    assert.deepEqual(await forecast().getByRole("link").allInnerTexts(), ["dead", "guest", "guests · acme", "bank"]);
    await forecast().getByText("its certificate ends").waitFor();
    assert.equal(await forecast().getByText(/gave no refresh token/).count(), 2, "and why");
    await assertGood(page, "live-forecast");
    await forecast().getByRole("link", { name: "dead" }).click();
    await heading("dead").waitFor();
    await page.getByText("Reconnect").first().waitFor();
  });

  test("of customers is told where they are, and of each on their own page", async () => {
    await visit(page, "/users", "Users");
    await forecast().getByText("1 connection dies within 7 days").waitFor();
    await forecast().getByRole("button", { name: "Which ones" }).click();
    await assertGood(page, "users-forecast");
    await forecast().getByRole("link", { name: "guests · acme" }).click();
    await heading("acme").waitFor();
    await page.getByRole("listitem").filter({ has: heading("guests", 2) }).getByText("Ends soon").waitFor();
    await page.getByText("nothing renews it: connect it again before that", { exact: false }).waitFor();
    await assertGood(page, "user-forecast");
  });
});

describe("a webhook secret that its sender hands over", () => {
  const token = "secret_of-the-sender-that-nobody-else-has";

  test("is waited for, comes, and is shown once", async () => {
    await attache.send("PUT", "connectors/notes", { name: "Notes", auth: { main: { hmac: { preset: "notion" } } } });
    await page.goto(new URL("/new/connection?connector=notes", page.url()).href);
    await heading("2. Connection", 2).waitFor();
    await field("Name").fill("Notes");
    await field("Base URL").fill(`${far.url}/hooks`);
    await button("Make the connection").click();
    await heading("Notes").waitFor();
    await visit(page, "/connections/notes", "Notes");
    await page.getByText("Waiting for its secret").first().waitFor();
    assert.equal(await button("Show the secret, once").count(), 0, "there is none yet");
    await assertGood(page, "webhook-waiting");
    const headers = { "content-type": "application/json" };
    const handed = await fetch(`http://${attache.public}/hooks/notes`, { method: "POST", headers, body: JSON.stringify({ verification_token: token }) });
    assert.equal(handed.status, 200);
    await page.getByText("Waiting for its secret").first().waitFor({ state: "detached" });
    await button("Show the secret, once").click();
    await page.getByText(token).waitFor();
    await assertGood(page, "webhook-secret");
  });

  test("is gone afterwards, and that is said", async () => {
    await page.reload();
    await button("Show the secret, once").click();
    assert.ok(!(await page.content()).includes(token));
    await page.getByText("or it was shown before", { exact: false }).waitFor();
    await assertGood(page, "webhook-secret-gone");
    assertQuiet(faults, [/status of 404/]);
    faults.length = 0;
  });
});

describe("a method of the connector", () => {
  test("is adjusted with a connection: a new revision, once, and the others stay on theirs", async () => {
    await page.goto(new URL("/new/connection?connector=shop", page.url()).href);
    await heading("2. Connection", 2).waitFor();
    await button("Adjust it").click();
    await page.getByText("Connections that have Shop key already keep the revision", { exact: false }).waitFor();
    await field("Under which name").fill("X-New-Key");
    await assertGood(page, "method-adjusted");
    await field("Name").fill("New");
    await field("Key").first().fill("old");
    await field("Key").last().fill("key-of-the-new-1");
    await button("Make the connection").click();
    await page.getByText("There is a connection `old` already.").first().waitFor();
    assert.equal((await attache.send("GET", "connectors/shop/auth/key")).revision, 2);
    await field("Key").first().fill("new");
    await button("Make the connection").click();
    await heading("New").waitFor();
    assert.equal((await attache.send("GET", "connectors/shop/auth/key")).revision, 2, "tried twice, adjusted once");
    assert.equal((await sentThrough("new")).headers["x-new-key"], "key-of-the-new-1");
    assert.equal((await sentThrough("old")).headers["x-old-key"], "key-of-the-old-1");
    await visit(page, "/connections/old", "old");
    await button("Revision 2 is there").waitFor();
    assertQuiet(faults, [/status of 4(09|12|22)/]);
    faults.length = 0;
  });
});

describe("an environment that is switched", () => {
  test("says what is another then, and its requests go there from then on and not before", async () => {
    await attache.send("PUT", "connections/near", { connector: "shop", auth: "key", base_url: `${near.url}/shop`, credentials: { key: "key-of-near-1" } });
    await attache.send("PUT", "integrations/sync", { name: "Sync", connectors: { store: { connector: "shop" } } });
    await attache.send("PUT", "environments/live", { name: "Live", integration: "sync", deployed: true, assign: { store: "old" } });
    const through = async () => {
      const answer = await fetch(`http://${attache.proxy}/e/live/store/orders`, { headers: { "attache-key": attache.callerKey } });
      assert.equal(answer.status, 200);
      return asked;
    };
    await visit(page, "/environments", "Environments");
    await button("Switch store in Live").click();
    await dialog().getByRole("radio", { name: /^near/ }).check();
    await button("See what changes").click();
    await dialog().getByRole("deletion").filter({ hasText: `${far.url}/shop` }).waitFor();
    await dialog().getByText(`${near.url}/shop`).waitFor();
    await assertGood(page, "environment-switch");
    const before = await through();
    assert.deepEqual([before.by, before.headers["x-old-key"]], ["far", "key-of-the-old-1"], "it is looked at, and no more");
    await closed("Switch to near");
    const then = await through();
    assert.deepEqual([then.by, then.headers["x-new-key"], then.headers["x-old-key"]], ["near", "key-of-near-1", undefined]);
    await page.getByRole("link", { name: "near" }).waitFor();
  });
});

test("nothing was wrong in the browser all the while", () => assertQuiet(faults));
