// Customers who connect their accounts on attache's own pages, in a real browser, at an authorization server that others wrote
// (oidc-provider): with JavaScript and without; and the same by the API alone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Attache, assertTold } from "./support/attache.mjs";
import { PEOPLE, startAuthorization } from "./support/authorization.mjs";
import { consent } from "./support/browser.mjs";
import { startApi } from "./support/introspecting-api.mjs";
import { assertGood, openBrowser, person } from "./support/page.mjs";

const ANN = { name: "ann", password: PEOPLE.ann };
const BETH = { name: "beth", password: PEOPLE.beth };
const SECRET = "the-app-s-own-secret-of-32-bytes-or-more";
const APP = { client_id: "crm-app", client_secret: SECRET };
const GOOD_KEY = "key-of-acme-that-is-good";

let attache, authorization, api, keyed, app, browser, fragment;
/** All that was typed or is in links, and that no log may hold. */
const hidden = [SECRET, GOOD_KEY, ...Object.values(PEOPLE)];

before(async () => {
  browser = await openBrowser();
  app = await serve((request, response) => response.setHeader("content-type", "text/html").end(`<title>App</title>${request.url}`));
  attache = new Attache();
  attache.more = { connect: { name: "Acme", return_urls: [`${app.url}/`] } };
  await attache.run();
  const redirect_uris = [`http://${attache.public}/oauth/callback`];
  authorization = await startAuthorization([{ ...APP, redirect_uris }]);
  api = await startApi(authorization);
  keyed = await serve((request, response) => {
    response.statusCode = request.headers["x-key"] === GOOD_KEY ? 200 : 401;
    response.setHeader("content-type", "application/json").end(JSON.stringify({ id: 7, login: "acme-bot" }));
  });
  // One that answers behind a `#`.
  fragment = await serve((request, response) => {
    const asked = new URL(request.url, "http://x");
    if (asked.pathname === "/token") {
      return response.setHeader("content-type", "application/json").end(JSON.stringify({ access_token: "of-the-fragment", token_type: "Bearer", expires_in: 3600 }));
    }
    const back = `${asked.searchParams.get("redirect_uri")}#code=c&state=${asked.searchParams.get("state")}`;
    response.writeHead(302, { location: back }).end();
  });
});

after(async () => {
  const said = attache.said();
  await browser.close();
  await attache.stop();
  for (const it of [api, authorization, app, keyed, fragment]) it.stop();
  assertTold(said, [...hidden, attache.callerKey, attache.token, ...api.tokens, ...authorization.secrets]);
});

async function serve(handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

const crm = () => ({
  oauth2: {
    grant: "authorization_code",
    authorize_url: `${authorization.issuer}/auth`,
    token_url: `${authorization.issuer}/token`,
    revoke_url: `${authorization.issuer}/token/revocation`,
    client_auth: "basic",
    scopes: ["openid", "offline_access", "read"],
    authorize_params: { prompt: "consent" },
  },
});

/** An embedded connection of its own for each test, with a name that customers read. */
async function embed(key, auth, baseUrl, more = {}) {
  await attache.send("PUT", `connectors/${key}`, { name: "CRM", base_url: baseUrl, auth: { main: auth }, ...more.connector });
  await attache.send("PUT", `connections/${key}`, { name: "CRM", connector: key, auth: "main", embedded: true, ...more.connection });
}

const oauth = (key) => embed(key, crm(), api.url, { connection: { credentials: APP, inputs: { client_id: "global", client_secret: "global" } } });

/** A session for this connection; the link. */
async function link(connection, more = {}) {
  const made = await attache.send("POST", "connect-sessions", { tenant: "acme", connection, ...more });
  hidden.push(new URL(made.url).pathname.split("/").at(-1));
  return made;
}

const session = (id) => attache.send("GET", `connect-sessions/${id}`);

/** At the authorization server: logs in and says this. */
async function at(page, { name, password }, answer = "allow") {
  for (;;) {
    if (!(await page.$('[name="answer"]'))) return;
    if (await page.$('[name="password"]')) {
      await page.fill('[name="name"]', name);
      await page.fill('[name="password"]', password);
    } else {
      await page.fill('[name="answer"]', answer);
    }
    await page.click("button");
  }
}

const ours = () => `http://${attache.public}/`;
const heading = (page) => page.textContent("h1");

/** What the API that is called with the token knows of it. */
async function whoami(connection) {
  const answer = await attache.through(`${connection}@acme`);
  assert.equal(answer.status, 200, `${connection}: ${JSON.stringify(answer)}\n${attache.said()}`);
  return answer.said;
}

for (const javaScriptEnabled of [true, false]) {
  describe(`in a browser ${javaScriptEnabled ? "with" : "without"} JavaScript`, { concurrency: true }, () => {
    const suffix = javaScriptEnabled ? "js" : "plain";

    async function visiting(run) {
      const own = await person(browser, ours(), { javaScriptEnabled });
      await run(own.page, own);
      assert.deepEqual(own.faults, [], "the browser complains of nothing");
      await own.context.close();
    }

    test("a first connect takes one click here and one at the provider, and leads back to the application", () =>
      visiting(async (page) => {
        const key = `first-${suffix}`;
        await oauth(key);
        const { url } = await link(key, { return_url: `${app.url}/settings?tab=1` });
        await page.goto(url);
        assert.equal(await heading(page), "Connect CRM to Acme");
        await page.click("button");
        await at(page, ANN);
        const back = new URL(page.url());
        assert.equal(`${back.origin}${back.pathname}`, `${app.url}/settings`);
        assert.deepEqual([back.searchParams.get("tab"), back.searchParams.get("status")], ["1", "connected"]);
        assert.equal((await whoami(key)).sub, "ann");
        await page.goto(url);
        assert.equal(new URL(page.url()).origin, app.url, "its own browser is led on again");
      }));

    test("whoever says no reads that nothing was changed, and can try again", () =>
      visiting(async (page) => {
        const key = `denied-${suffix}`;
        await oauth(key);
        const { url, id } = await link(key);
        await page.goto(url);
        await page.click("button");
        await at(page, ANN, "deny");
        assert.match(await page.textContent("[role=alert]"), /You did not allow access/);
        assert.equal((await session(id)).items[0].reason, "consent_denied");
        assert.equal((await attache.ask("GET", `connections/${key}/activations/acme`)).status, 404, "nothing half-saved");
        await page.click("button");
        await at(page, ANN);
        assert.equal(await heading(page), "CRM is connected");
        assert.equal((await whoami(key)).sub, "ann");
      }));

    test("a reconnect keeps the activation; another account is asked about first", () =>
      visiting(async (page, { context }) => {
        const key = `again-${suffix}`;
        await oauth(key);
        const first = await link(key);
        await page.goto(first.url);
        await page.click("button");
        await at(page, ANN);
        const before = await attache.send("GET", `connections/${key}/activations/acme`);

        // Somebody else is signed in at the provider by now.
        await context.clearCookies();
        const second = await link(key);
        await page.goto(second.url);
        assert.equal(await heading(page), "Connect CRM to Acme again");
        await page.click("button");
        await at(page, BETH);
        assert.equal(await heading(page), "This is another CRM account");
        await assertGood(browser, await page.content(), `account-${suffix}`);
        assert.equal((await whoami(key)).sub, "ann", "nothing was changed yet");
        await page.click('button[value="no"]');
        assert.equal((await whoami(key)).sub, "ann");
        assert.match(await page.textContent("[role=alert]"), /connected as before/);

        await page.click("button");
        await at(page, BETH);
        await page.click('button[value="yes"]');
        assert.equal(await heading(page), "CRM is connected");
        assert.equal((await whoami(key)).sub, "beth");
        const after = await attache.send("GET", `connections/${key}/activations/acme`);
        assert.equal(after.created_at, before.created_at, "it is the same activation");
      }));

    test("a key is asked for with one form, and tried before it is kept", () =>
      visiting(async (page, { faults }) => {
        const key = `keyed-${suffix}`;
        const auth = {
          api_key: { in: "header", name: "X-Key" },
          fields: { key: { name: "API key", description: "Under Settings, API", pattern: "key-[a-z-]+" } },
          probe: { path: "/me", account: { id: "/id", name: "/login" } },
        };
        await embed(key, auth, keyed.url);
        const { url } = await link(key);
        await page.goto(url);
        await assertGood(browser, await page.content(), `form-${suffix}`);
        await page.fill("input", "key-that-is-wrong");
        await page.click(".acts button");
        assert.match(await page.textContent("[role=alert]"), /does not|did not|not accept|refuse/i);
        assert.equal(await page.inputValue("input"), "", "what was typed is not shown again");
        await assertGood(browser, await page.content(), `refused-${suffix}`);
        // That a form was refused is what a browser tells of as well.
        faults.splice(0, faults.length, ...faults.filter((it) => !it.includes("422")));
        await page.fill("input", GOOD_KEY);
        await page.click(".acts button");
        assert.equal(await heading(page), "CRM is connected");
        assert.match(await page.textContent("main"), /acme-bot/);
        assert.equal((await attache.through(`${key}@acme`)).status, 200);
      }));

    test("a link that took too long, was used, or is open elsewhere says so", () =>
      visiting(async (page, { faults }) => {
        const key = `ends-${suffix}`;
        await oauth(key);
        const [late, used, elsewhere] = [await link(key), await link(key), await link(key)];
        expire(late.id);
        await page.goto(late.url);
        assert.equal(await heading(page), "This took too long");
        await assertGood(browser, await page.content(), `expired-${suffix}`);

        await page.goto(used.url);
        await page.click("button");
        await at(page, ANN);
        assert.equal(await heading(page), "CRM is connected");
        await assertGood(browser, await page.content(), `connected-${suffix}`);
        const other = await person(browser, ours(), { javaScriptEnabled });
        await other.page.goto(used.url);
        assert.equal(await heading(other.page), "This link has been used");

        // Looked at by a bot that follows links, then opened in two browsers.
        for (let i = 0; i < 3; i += 1) assert.equal((await fetch(elsewhere.url)).status, 200);
        await Promise.all([page.goto(elsewhere.url), other.page.goto(elsewhere.url)]);
        await Promise.all([page.click("button"), other.page.click("button")]);
        const pages = [page, other.page];
        const headings = await Promise.all(pages.map((it) => it.textContent("body")));
        const lost = headings.findIndex((it) => it.includes("open in another browser"));
        assert.notEqual(lost, -1, "one of them has it");
        assert.ok(!headings[1 - lost].includes("open in another browser"), "and the other has not");
        await at(pages[1 - lost], ANN);
        assert.equal(await heading(pages[1 - lost]), "CRM is connected");
        await other.context.close();
        faults.splice(0, faults.length, ...faults.filter((it) => !/4(09|10)/.test(it)));
      }));

    test("several are connected one after the other, and the rest may be left", () =>
      visiting(async (page) => {
        const [one, two] = [`several-a-${suffix}`, `several-b-${suffix}`];
        await oauth(one);
        await embed(two, { api_key: { in: "header", name: "X-Key" } }, keyed.url);
        const name = `several-${suffix}`;
        await attache.send("PUT", `integrations/${name}`, { connectors: { a: { connector: one }, b: { connector: two } } });
        await attache.send("PUT", `environments/${name}`, { integration: name, assign: { a: one, b: two } });
        const { url, id } = await link(undefined, { environment: name });
        await page.goto(url);
        assert.equal(await heading(page), "Connect your accounts to Acme");
        assert.equal(await page.locator("section").count(), 2);
        await assertGood(browser, await page.content(), `several-${suffix}`);
        await page.fill("input", GOOD_KEY);
        await page.locator("section").nth(1).locator(".acts button").click();
        assert.match(await page.locator("section").nth(1).textContent(), /Connected/);
        await page.getByText("I have connected all").click();
        assert.equal(await heading(page), "CRM is connected");
        assert.deepEqual((await session(id)).items.map((it) => it.state), ["waiting", "connected"]);
      }));
  });
}

test("what a provider puts behind a # is read by the one page that has a script", async () => {
  const { page, context, faults } = await person(browser, ours());
  const oauth2 = { grant: "authorization_code", authorize_url: `${fragment.url}/auth`, token_url: `${fragment.url}/token`, client_auth: "none" };
  await embed("behind", { oauth2 }, keyed.url, { connection: { credentials: { client_id: "c" }, inputs: { client_id: "global" } } });
  const { url } = await link("behind");
  await page.goto(url);
  await page.click("button");
  await page.getByRole("heading", { name: "CRM is connected" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

describe("by the API alone", () => {
  const back = (url) => new URL(url).searchParams;

  test("an application of the operator's own runs the dance: connected, denied, another account", async () => {
    await oauth("headless");
    const { id } = await link("headless");
    const begin = () => attache.send("POST", `connect-sessions/${id}/begin`, { connection: "headless" });
    const come = (url) => attache.send("POST", "connect-sessions/callback", { url });

    const denied = await consent((await begin()).redirect, { ...ANN, answer: "deny" });
    assert.equal(back(denied.url).get("error"), "access_denied");
    assert.deepEqual(pick((await come(denied.url)).item), ["failed", "consent_denied"]);

    const came = await consent((await begin()).redirect, ANN);
    assert.deepEqual(pick((await come(came.url)).item), ["connected", undefined]);
    const replayed = await attache.ask("POST", "connect-sessions/callback", { url: came.url });
    assert.deepEqual([replayed.status, replayed.said.code], [404, "consent_unknown"]);
    assert.equal((await whoami("headless")).sub, "ann");

    const again = await link("headless");
    const begun = await attache.send("POST", `connect-sessions/${again.id}/begin`, { connection: "headless" });
    const other = await come((await consent(begun.redirect, BETH)).url);
    assert.deepEqual([other.item.state, other.item.account.name, other.item.given_account.name], ["asking", "ann", "beth"]);
    assert.equal((await whoami("headless")).sub, "ann");
    const taken = await attache.send("POST", `connect-sessions/${again.id}/account`, { connection: "headless", take: true });
    assert.equal(taken.state, "connected");
    assert.equal((await whoami("headless")).sub, "beth");
  });

  test("what one browser began is nothing that another one ends, nor the API without it", async () => {
    await oauth("bound");
    const { id } = await link("bound");
    const [mine, theirs] = ["a".repeat(64), "b".repeat(64)];
    const begun = await attache.send("POST", `connect-sessions/${id}/begin`, { connection: "bound", browser: mine });
    const came = await consent(begun.redirect, ANN);
    const others = await attache.ask("POST", "connect-sessions/callback", { url: came.url, browsers: [`${id}:${theirs}`] });
    assert.deepEqual([others.status, others.said.code], [403, "connect_other_browser"]);
    const own = await attache.send("POST", "connect-sessions/callback", { url: came.url, browsers: [`${id}:${mine}`] });
    assert.equal(own.item.state, "connected", "it was not used up");
  });
});

const pick = (item) => [item.state, item.reason];

/** Lets a session be over, a second ago: nobody waits half an hour here, and long ago it would be forgotten. */
function expire(id) {
  const sql = "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], timeout=30); db.execute('UPDATE connect_sessions SET expires_at = ? WHERE id = ?', [int(time.time() * 1000) - 1000, sys.argv[2]]); db.commit()";
  execFileSync("python3", ["-c", sql, attache.database, id]);
}
