// The connect pages inside an operator's own application, on two sites and over https, in a real browser that gives no
// site's frames another site's cookies: in a frame, in a window, and for nobody who is not listed.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { createServer, request } from "node:https";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Attache, assertTold, soon } from "./support/attache.mjs";
import { PEOPLE, startAuthorization } from "./support/authorization.mjs";
import { Authority } from "./support/certificates.mjs";
import { startApi } from "./support/introspecting-api.mjs";
import { assertGood, openBrowser } from "./support/page.mjs";

const SECRET = "the-app-s-own-secret-of-32-bytes-or-more";
const APP = { client_id: "crm-app", client_secret: SECRET };
const GOOD_KEY = "key-of-acme-that-is-good";
const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><script>document.title = "taken"</script><circle cx="20" cy="20" r="18" fill="#0a6"/></svg>';

/** As the pages say it, by whomever. */
const FORGED = { type: "attache:connect", session: "s", status: "connected", connection: "forged", reason: null, connections: [], over: true };

const hidden = [SECRET, GOOD_KEY, ...Object.values(PEOPLE)];
const authority = new Authority();
const certificate = authority.signs("sites", "DNS:app.test,DNS:evil.test,DNS:attache.test,IP:127.0.0.1");
let attache, authorization, api, keyed, sites, ours, app, evil, browser;

before(async () => {
  sites = await listens(createServer({ cert: certificate.cert, key: certificate.key }, shows));
  [app, evil] = ["app", "evil"].map((it) => `https://${it}.test:${sites.port}`);
  attache = new Attache();
  const [cert, key, logo] = ["public.pem", "public.key", "logo.svg"].map((it) => join(attache.folder, it));
  writeFileSync(cert, certificate.cert);
  writeFileSync(key, certificate.key);
  writeFileSync(logo, LOGO);
  const port = await freePort();
  ours = `https://attache.test:${port}`;
  const anywhere = { listen: "127.0.0.1:0" };
  attache.more = {
    server: {
      proxy: anywhere,
      admin: { ...anywhere, token: attache.token },
      public: { listen: `127.0.0.1:${port}`, url: ours, tls: { cert, key } },
      shutdown: { ready_delay: "0s" },
    },
    connect: {
      name: "Acme",
      logo,
      colours: { accent: "#0b6b3a" },
      support_url: "mailto:help@acme.test",
      privacy_url: "https://acme.test/privacy",
      frame_origins: [app],
      return_urls: [`${app}/`],
    },
  };
  await attache.run();
  const redirect_uris = [`${ours}/oauth/callback`];
  authorization = await startAuthorization([{ ...APP, redirect_uris }], { tls: { ...certificate, ca: authority.pem } });
  api = await startApi(authorization);
  keyed = await listens(
    createPlainServer((request, response) => {
      response.statusCode = request.headers["x-key"] === GOOD_KEY ? 200 : 401;
      response.setHeader("content-type", "application/json").end(JSON.stringify({ id: 7, login: "acme-bot" }));
    }),
  );
  const names = ["app.test", "evil.test", "attache.test"].map((it) => `MAP ${it} 127.0.0.1`).join(", ");
  browser = await openBrowser([`--host-resolver-rules=${names}`, "--test-third-party-cookie-phaseout"]);
});

after(async () => {
  const said = attache.said();
  await browser.close();
  await attache.stop();
  for (const it of [api, authorization, keyed, sites, authority]) it.stop();
  assertTold(said, [...hidden, attache.callerKey, attache.token, ...api.tokens, ...authorization.secrets]);
});

async function listens(server) {
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  const { port } = server.address();
  return { port, url: `http://127.0.0.1:${port}`, stop };
}

async function freePort() {
  const { port, stop } = await listens(createPlainServer());
  stop();
  return port;
}

/** An application's page: under a policy as strict as they come, which connect.js needs nothing of but its own address. */
function shows(request, response) {
  const policy = `default-src 'none'; script-src ${ours} 'nonce-n'; frame-src ${ours}; img-src 'self' data:`;
  response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy });
  response.end(`<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>App</h1><div id="here"></div><button>Connect</button>
    <script src="${ours}/connect/connect.js"></script>
    <script nonce="n">
      globalThis.heard = []; globalThis.ended = []; globalThis.gone = 0;
      addEventListener("message", (event) => heard.push({ origin: event.origin, data: event.data }));
      globalThis.connects = (options) => document.querySelector("button").addEventListener("click", () => {
        const into = options.into && document.querySelector(options.into);
        globalThis.last = Attache.connect({ ...options, into, onClose: () => (gone += 1) });
        last.then((it) => ended.push(it));
      }, { once: true });
    </script>`);
}

async function embed(key, auth, baseUrl, more = {}) {
  await attache.send("PUT", `connectors/${key}`, { name: "CRM", base_url: baseUrl, auth: { main: auth } });
  await attache.send("PUT", `connections/${key}`, { name: "CRM", connector: key, auth: "main", embedded: true, ...more });
}

const oauth = (key) =>
  embed(
    key,
    {
      oauth2: {
        grant: "authorization_code",
        authorize_url: `${authorization.issuer}/auth`,
        token_url: `${authorization.inside}/token`,
        client_auth: "basic",
        scopes: ["openid", "offline_access", "read"],
        authorize_params: { prompt: "consent" },
      },
    },
    api.url,
    { credentials: APP, inputs: { client_id: "global", client_secret: "global" } },
  );

const byKey = (key) =>
  embed(
    key,
    {
      api_key: { in: "header", name: "X-Key" },
      fields: { key: { name: "API key", description: "Under Settings, API", pattern: "key-[a-z-]+", example: "key-abc" } },
      probe: { path: "/me", account: { id: "/id", name: "/login" } },
    },
    keyed.url,
  );

async function link(connection, more = {}) {
  const made = await attache.send("POST", "connect-sessions", { tenant: "acme", connection, ...more });
  hidden.push(new URL(made.url).pathname.split("/").at(-1));
  return made;
}

/** Somebody's browser at this application, and whatever any of its pages complained of but those of the provider. */
async function visiting(at, run) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const faults = [];
  const watch = (page) => {
    const told = (text, where) => !String(where).startsWith(authorization.issuer) && faults.push(`${where}: ${text}`);
    page.on("console", (it) => ["error", "warning"].includes(it.type()) && told(it.text(), it.location().url || page.url()));
    page.on("pageerror", (it) => told(String(it), page.url()));
  };
  context.on("page", watch);
  const page = await context.newPage();
  await page.goto(at);
  await run(page, { context, faults });
  assert.deepEqual(faults, [], "the browser complains of nothing");
  await context.close();
}

/** At the authorization server: logs in and says this. */
async function consents(page, answer = "allow") {
  for (;;) {
    await page.waitForSelector('[name="answer"]');
    const isLogin = await page.$('[name="password"]');
    if (isLogin) {
      await page.fill('[name="name"]', "ann");
      await page.fill('[name="password"]', PEOPLE.ann);
    } else {
      await page.fill('[name="answer"]', answer);
    }
    await page.click("button");
    if (!isLogin) return;
  }
}

/** Opens the pages by a click, as connect.js has to be called. */
async function connect(page, options) {
  await page.evaluate((it) => globalThis.connects(it), options);
  await page.click("button");
}

const ended = (page) => soon("an end", () => page.evaluate(() => globalThis.ended[0]));
const pick = ({ status, connection, reason, over }) => ({ status, connection, reason, over });

describe("without a link", () => {
  test("the promise is rejected, with nothing left on the page", () =>
    visiting(app, async (page) => {
      const came = await page.evaluate(() => {
        const of = (url) => Attache.connect({ url, mode: "frame" }).then(() => "kept", (it) => it.message);
        return Promise.all([of(Promise.reject(new Error("no session"))), of(Promise.resolve("")), of("javascript:1")]);
      });
      assert.deepEqual(came, ["no session", "Attache.connect: there is no link", "Attache.connect: url is no link"]);
      assert.equal(await page.locator("iframe").count(), 0);
    }));
});

describe("in a frame", () => {
  test("a form is filled in, refused beside the field, and taken", () =>
    visiting(app, async (page, { faults }) => {
      await byKey("framed-form");
      const { url, id } = await link("framed-form");
      await connect(page, { url, mode: "frame", into: "#here" });
      const frame = page.frameLocator("iframe");
      await frame.getByRole("heading", { name: "Connect CRM to Acme" }).waitFor();
      await frame.getByLabel("API key", { exact: false }).first().fill("wrong");
      await frame.locator(".acts button").click();
      await frame.locator("[role=alert]").waitFor();
      assert.match(await frame.locator(".fault").textContent(), /does not look right: it looks like key-abc/);
      await frame.locator("input[type=password]").fill("key-that-is-wrong");
      await frame.locator(".acts button").click();
      await frame.getByText("CRM did not accept this").first().waitFor();
      await frame.locator("input[type=password]").fill(GOOD_KEY);
      await frame.locator(".acts button").click();
      await frame.getByRole("heading", { name: "CRM is connected" }).waitFor();
      const result = await ended(page);
      assert.equal(result.session, id);
      assert.deepEqual(pick(result), { status: "connected", connection: "framed-form", reason: null, over: true });
      assert.equal((await attache.through("framed-form@acme")).status, 200);
      const heard = await page.evaluate(() => globalThis.heard);
      assert.ok(heard.every((it) => it.origin === new URL(url).origin));
      assert.ok(!JSON.stringify(heard).includes(new URL(url).pathname.split("/").at(-1)), "the link's secret is told to nobody");
      const heights = heard.filter((it) => it.data.type === "attache:connect:size");
      assert.ok(heights.length > 0, "the frame is as high as what is in it");
      // That a form was refused is what a browser tells of as well.
      faults.splice(0, faults.length, ...faults.filter((it) => !it.includes("422")));
    }));

  test("the provider opens in a window, which hands over to the frame: refused first, then allowed", () =>
    visiting(app, async (page, { context }) => {
      await oauth("framed-oauth");
      const { url } = await link("framed-oauth", { return_url: `${app}/settings` });
      await connect(page, { url, mode: "frame" });
      const frame = page.frameLocator("iframe");
      for (const answer of ["deny", "allow"]) {
        const opens = context.waitForEvent("page");
        await frame.locator(".acts button").click();
        const window = await opens;
        const closes = window.waitForEvent("close");
        await consents(window, answer);
        await closes;
        if (answer === "deny") await frame.getByText("You did not allow access").waitFor();
      }
      assert.deepEqual(pick(await ended(page)), { status: "connected", connection: "framed-oauth", reason: null, over: true });
      assert.equal((await attache.through("framed-oauth@acme")).said.sub, "ann");
      assert.equal(await page.locator("iframe").count(), 0, "what connect.js has made is gone");
      assert.equal(await page.evaluate(() => globalThis.gone), 1);
      const results = await page.evaluate(() => globalThis.heard.filter((it) => it.data.type === "attache:connect").map((it) => it.data));
      assert.deepEqual(results.map((it) => [it.status, it.reason]), [["failed", "consent_denied"], ["connected", null]]);
    }));

  test("what the application's own page says into it, the frame does not hand back as its word", () =>
    visiting(app, async (page, { faults }) => {
      await byKey("framed-forged");
      const { url } = await link("framed-forged");
      await connect(page, { url, mode: "frame", into: "#here" });
      const frame = page.frameLocator("iframe");
      await frame.getByRole("heading", { name: "Connect CRM to Acme" }).waitFor();
      await page.evaluate((said) => document.querySelector("iframe").contentWindow.postMessage(said, "*"), FORGED);
      // Whatever it would have made of that comes before the next page.
      await frame.locator("input[type=password]").fill("wrong");
      await frame.locator(".acts button").click();
      await frame.locator("[role=alert]").waitFor();
      const heard = await page.evaluate(() => globalThis.heard.map((it) => it.data.type));
      assert.deepEqual([...new Set(heard)], ["attache:connect:size"]);
      assert.deepEqual(await page.evaluate(() => globalThis.ended), []);
      faults.splice(0, faults.length, ...faults.filter((it) => !it.includes("422")));
    }));

  test("what is not listed shows nothing, and the pages are good to read where they are shown", () =>
    visiting(evil, async (page, { faults }) => {
      await byKey("framed-nowhere");
      const { url } = await link("framed-nowhere");
      await connect(page, { url, mode: "frame", into: "#here" });
      await soon("a word of the browser's", async () => faults.some((it) => it.includes("frame-ancestors")));
      assert.deepEqual(await page.evaluate(() => globalThis.heard), []);
      faults.length = 0;
      const shown = await fetchPage(url);
      assert.match(shown.policy, new RegExp(`frame-ancestors ${app.replaceAll(".", "\\.")};`));
      await assertGood(browser, shown.html, "embed-form");
    }));
});

describe("in a window", () => {
  test("it is opened, tells what came of it, and is closed", () =>
    visiting(app, async (page, { context }) => {
      await oauth("windowed");
      const { url } = await link("windowed", { return_url: `${app}/settings` });
      const opens = context.waitForEvent("page");
      await connect(page, { url });
      const window = await opens;
      await window.getByRole("heading", { name: "Connect CRM to Acme" }).waitFor();
      const closes = window.waitForEvent("close");
      await window.locator(".acts button").click();
      await consents(window);
      await closes;
      assert.deepEqual(pick(await ended(page)), { status: "connected", connection: "windowed", reason: null, over: true });
      assert.equal(await page.evaluate(() => globalThis.gone), 1);
    }));

  test("whoever closes it has connected nothing; several are open at once, and each tells of its own", () =>
    visiting(app, async (page, { context }) => {
      await byKey("at-once-a");
      await byKey("at-once-b");
      const windows = [];
      for (const key of ["at-once-a", "at-once-b"]) {
        const { url } = await link(key);
        const opens = context.waitForEvent("page");
        await connect(page, { url });
        windows.push(await opens);
      }
      const [one, two] = windows;
      await two.locator("input[type=password]").fill(GOOD_KEY);
      const closes = two.waitForEvent("close");
      await two.locator(".acts button").click();
      await closes;
      await one.locator("h1").waitFor();
      await one.close();
      const both = await soon("two ends", () => page.evaluate(() => globalThis.ended.length === 2 && globalThis.ended));
      assert.deepEqual(both.map((it) => [it.status, it.connection]), [["connected", "at-once-b"], ["closed", null]]);
    }));

  test("a page of somebody else's that the window has come to says nothing in its name", () =>
    visiting(app, async (page, { context }) => {
      await byKey("windowed-forged");
      const { url } = await link("windowed-forged");
      const opens = context.waitForEvent("page");
      await connect(page, { url });
      const window = await opens;
      await window.locator("h1").waitFor();
      // By a link: where somebody types an address the browser takes the opener away.
      await window.evaluate((to) => void location.assign(to), evil);
      await window.waitForURL(`${evil}/`);
      await window.evaluate((said) => opener.postMessage(said, "*"), FORGED);
      const forged = await soon("what is forged", () => page.evaluate(() => globalThis.heard.find((it) => it.data.connection === "forged")));
      assert.equal(forged.origin, evil);
      assert.deepEqual(await page.evaluate(() => globalThis.ended), []);
      await window.close();
      assert.deepEqual(pick(await ended(page)), { status: "closed", connection: null, reason: null, over: false });
    }));

  test("of what came of it a page of another origin hears nothing", () =>
    visiting(evil, async (page, { context, faults }) => {
      await byKey("windowed-nowhere");
      const { url } = await link("windowed-nowhere");
      for (const named of [undefined, app]) {
        const opens = context.waitForEvent("page");
        await page.evaluate(([to, origin]) => void globalThis.open(`${to}?in=popup&origin=${encodeURIComponent(origin ?? location.origin)}`), [url, named]);
        const window = await opens;
        await window.locator("h1").waitFor();
        const seat = await window.evaluate(() => document.body.dataset.seat ?? null);
        assert.equal(seat, named ? "popup" : null, "nobody is told who is not listed");
        if (!named) await window.close();
        else {
          await window.locator("input[type=password]").fill(GOOD_KEY);
          await window.locator(".acts button").click();
          await window.getByRole("heading", { name: "CRM is connected" }).waitFor();
          const { origin, told } = await window.evaluate(() => ({ ...document.body.dataset }));
          assert.deepEqual([origin, JSON.parse(told).status], [app, "connected"], "it was told, to somebody else");
        }
      }
      assert.deepEqual(await page.evaluate(() => globalThis.heard), []);
      // That a message was for somebody else is what Chromium says of it.
      const isKept = (it) => it.includes("target origin provided");
      faults.splice(0, faults.length, ...faults.filter((it) => !isKept(it)));
    }));
});

test("the script and the logo are files: known by their tags, and nothing runs in a picture", async () =>
  visiting(app, async (page) => {
    const script = await answered("/connect/connect.js");
    assert.equal(script.headers["content-type"], "text/javascript; charset=utf-8");
    const again = await answered("/connect/connect.js", { "if-none-match": script.headers.etag });
    assert.equal(again.statusCode, 304);
    await byKey("pictured");
    const { url } = await link("pictured");
    await page.goto(url);
    assert.ok(await page.locator("img.logo").evaluate((it) => it.complete && it.naturalWidth > 0), "it is shown");
    assert.equal(await page.title(), "Connect CRM to Acme · Acme");
    const logo = await answered(await page.locator("img.logo").getAttribute("src"));
    assert.match(logo.headers["content-security-policy"], /default-src 'none'.*sandbox/);
    assert.match(logo.headers["cache-control"], /immutable/);
  }));

/** What anybody is answered, without a browser. */
function answered(path, headers = {}) {
  const { port } = new URL(ours);
  return new Promise((done, failed) => {
    const asked = request({ host: "127.0.0.1", port, path, headers, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      done(answer);
    });
    asked.on("error", failed).end();
  });
}

async function fetchPage(url) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const answer = await page.goto(url);
  const shown = { html: await answer.text(), policy: answer.headers()["content-security-policy"] };
  await context.close();
  return shown;
}
