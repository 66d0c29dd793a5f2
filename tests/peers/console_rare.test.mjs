// What seldom happens to an operator in the console: a session that ends while a form is half filled in, too many wrong
// tokens, a rotation of the sealing keys, and what a file declares. In a real browser, each proved by what attache does then.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Attache, soon } from "./support/attache.mjs";
import { assertGood, assertQuiet, openConsole, signIn, visit } from "./support/console.mjs";
import { openBrowser } from "./support/page.mjs";

const ATTEMPTS_MAX = 10;

let browser, far, seen;

before(async () => {
  far = createServer((request, response) => {
    seen = request.headers;
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise((done) => far.listen(0, "127.0.0.1", done));
  far.url = `http://127.0.0.1:${far.address().port}`;
  browser = await openBrowser();
});

after(async () => {
  await browser.close();
  far.closeAllConnections();
  far.close();
});

const token = { name: "Shop token", api_key: { in: "header", name: "X-Api-Key", format: "{key}" } };

async function start(more = {}) {
  const attache = new Attache();
  attache.more = more;
  await attache.run();
  return attache;
}

describe("a session that ends while a form is half filled in", () => {
  let attache;

  before(async () => {
    const anywhere = { listen: "127.0.0.1:0" };
    attache = new Attache();
    const admin = { ...anywhere, token: attache.token, sessions: { idle: "10s" } };
    attache.more = { server: { proxy: anywhere, admin, public: anywhere, shutdown: { ready_delay: "0s" } } };
    await attache.run();
    await attache.send("PUT", "connectors/shop", { name: "Shop", base_url: far.url, auth: { token } });
  });

  after(() => attache.stop());

  test("shows the sign-in alone, and what was typed is there afterwards", async () => {
    const { page, faults, context, origin } = await openConsole(browser, attache, { path: "/new/connection?connector=shop" });
    const field = (name) => page.getByLabel(name, { exact: true });
    await page.getByRole("heading", { name: "2. Connection" }).waitFor();
    await field("Name").fill("Half of a shop");
    await field("Base URL (optional)").fill(`${far.url}/half`);
    await field("Key").last().fill("key-of-half-a-shop");
    // To ask this is no activity.
    await soon("the session is over", async () => !(await (await context.request.get(`${origin}/console/session`)).json()).signed_in);
    await page.getByRole("button", { name: "Make the connection" }).click();
    await page.getByRole("heading", { name: "Sign in to attache" }).waitFor();
    assert.equal(await page.getByRole("navigation", { name: "Main" }).count(), 0, "nothing of it is seen any more");
    assert.ok(!(await page.locator("body").innerText()).includes("Half of a shop"));
    await page.getByText(/what you have typed/i).waitFor();
    await assertGood(page, "session-over");
    await signIn(page, attache.token);
    await page.getByRole("heading", { name: "2. Connection" }).waitFor();
    assert.equal(await field("Name").inputValue(), "Half of a shop");
    assert.equal(await field("Base URL (optional)").inputValue(), `${far.url}/half`);
    assert.equal((await attache.ask("GET", "connections/half-of-a-shop")).status, 404, "nothing was made behind the sign-in");
    if (!(await field("Key").last().inputValue())) await field("Key").last().fill("key-of-half-a-shop");
    await page.getByRole("button", { name: "Make the connection" }).click();
    await page.getByRole("heading", { name: "Half of a shop", level: 1 }).waitFor();
    assert.equal((await attache.through("half-of-a-shop")).status, 200);
    assert.equal(seen["x-api-key"], "key-of-half-a-shop");
    assertQuiet(faults, [/status of 401/]);
    await context.close();
  });
});

describe("too many wrong tokens", () => {
  let attache;

  before(async () => {
    attache = await start();
  });

  after(() => attache.stop());

  test("are told so, with when to try again; the right one is let in all the same", async () => {
    const { page, faults, context } = await openConsole(browser, attache, { token: null });
    const press = async (text) => {
      await page.getByLabel("Operator token").fill(text);
      const answered = page.waitForResponse((it) => it.url().endsWith("/console/session") && it.request().method() === "POST");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      return (await answered).status();
    };
    const statuses = [];
    // On a slow machine some of them are forgotten meanwhile: one in six seconds.
    while (statuses.at(-1) !== 429 && statuses.length < 4 * ATTEMPTS_MAX) statuses.push(await press(`a-token-that-nobody-made-${statuses.length}`));
    assert.deepEqual([statuses.slice(0, ATTEMPTS_MAX), statuses.at(-1)], [Array(ATTEMPTS_MAX).fill(401), 429]);
    await page.getByText("Too many wrong tokens", { exact: false }).waitFor();
    await page.getByText(/Try again in (a second|\d+ seconds)\./).waitFor();
    assert.equal(await page.getByText("This token is not known here").count(), 0, "of this one nobody knows");
    await assertGood(page, "sign-in-limited");
    await signIn(page, attache.token);
    assertQuiet(faults, [/status of 4(01|29)/]);
    await context.close();
  });
});

describe("the sealing keys", () => {
  const CONNECTIONS = 40;
  let attache;

  before(async () => {
    attache = await start();
    await attache.send("PUT", "connectors/shop", { name: "Shop", base_url: far.url, auth: { token } });
    for (let number = 0; number < CONNECTIONS; number += 1) {
      await attache.send("PUT", `connections/shop-${number}`, { connector: "shop", auth: "token", credentials: { key: `key-of-shop-${number}` } });
    }
    await attache.end("SIGTERM");
    attache.seal = `${attache.seal},2:${randomBytes(32).toString("base64")}`;
    await attache.run();
  });

  after(() => attache.stop());

  /** Holds the database's write lock, as another replica's long write does, until it is let go. */
  async function hold(database) {
    const program = "import sqlite3, sys; it = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30); it.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()";
    const holder = spawn("python3", ["-c", program, database], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    return () => {
      holder.stdin.end();
      return once(holder, "exit");
    };
  }

  test("are changed: everything is put under the newest, step by step, and the old one opens nothing more", async () => {
    const { page, faults, context } = await openConsole(browser, attache, { path: "/settings/keys" });
    const begin = page.getByRole("button", { name: "Put everything under the newest", exact: true });
    const canBegin = async () => (await begin.count()) > 0 && begin.isEnabled();
    const row = (name) => page.getByRole("row").filter({ hasText: name });
    await page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
    const { newest, keys } = await attache.send("GET", "keys");
    const old = keys.find((it) => it.id !== newest);
    assert.ok(old.credentials >= CONNECTIONS, `${old.credentials} to be moved`);
    await row(newest).getByText("newest: it seals").waitFor();
    await begin.click();
    await page.getByRole("dialog").getByText("Every attache of this deployment has to have that key by now", { exact: false }).waitFor();
    await assertGood(page, "keys-begin");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).or(page.getByRole("button", { name: "Keep it as it is" })).first().click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal((await attache.send("GET", "keys")).rotation ?? null, null, "it was not begun");

    const letGo = await hold(attache.database);
    await begin.click();
    await page.getByRole("dialog").getByRole("button", { name: "Begin" }).click();
    await page.getByText(/Rotating: 0 of \d+/).waitFor();
    await page.getByRole("progressbar", { name: "Rotation" }).waitFor();
    assert.ok(!(await canBegin()), "one at a time");
    await letGo();
    const done = await page.getByText(/The rotation is done: \d+ of \d+/).innerText();
    const [, moved, total] = /(\d+) of (\d+)/.exec(done);
    assert.equal(moved, total);
    assert.ok(Number(total) >= CONNECTIONS, done);
    await assertGood(page, "keys-done");
    const then = (await attache.send("GET", "keys")).keys.find((it) => it.id === old.id);
    assert.equal(then?.credentials ?? 0, 0);
    assert.ok(!(await canBegin()), "there is nothing left");

    // Without the old key nothing is lost.
    await attache.end("SIGTERM");
    attache.seal = attache.seal.split(",")[1];
    await attache.run();
    assert.equal((await attache.through("shop-7")).status, 200);
    assert.equal(seen["x-api-key"], "key-of-shop-7");
    assertQuiet(faults, [/status of 404/, /ERR_/]);
    await context.close();
  });
});

describe("what a file declares", () => {
  let attache, page, faults, context;

  before(async () => {
    attache = await start({
      connectors: { filed: { name: "Filed", base_url: far.url, auth: { token } } },
      connections: {
        filed: { connector: "filed", auth: "token", credentials: { key: "key-of-a-file" } },
        others: { connector: "filed", auth: "token", embedded: true },
      },
      activations: [{ connection: "others", tenant: "acme", credentials: { key: "key-of-acme-1" } }],
      integrations: { filed: { connectors: { shop: { connector: "filed" } } } },
      environments: { filed: { integration: "filed", deployed: true, assign: { shop: "filed" } } },
    });
    ({ page, faults, context } = await openConsole(browser, attache, { path: "/connectors" }));
  });

  after(async () => {
    await context.close();
    await attache.stop();
  });

  /** In which line of the file this part begins: below the section, the first that has this in it. */
  function lineOf(section, text) {
    const lines = readFileSync(join(attache.folder, "attache.yaml"), "utf8").split("\n");
    const from = lines.findIndex((it) => it.startsWith(` "${section}"`));
    assert.ok(from > 0, section);
    return lines.findIndex((it, at) => at > from && it.includes(text)) + 1;
  }

  const acts = async () => (await page.getByRole("main").getByRole("button").allInnerTexts()).concat(await page.getByRole("main").getByRole("link").allInnerTexts());
  /** Whatever changes or deletes something. */
  const CHANGES = /^(Edit|Delete|Change|Adjust|Replace|Switch|Add a|Revision \d|New revision|Enter|Mark|Deactivate|Pin|Rename|Save)/;

  const pages = [
    ["/connectors/filed", "Filed", "connectors", '"filed"'],
    ["/connectors/filed/edit", /Filed/, "connectors", '"filed"'],
    ["/connections/filed", "filed", "connections", '"filed"'],
    ["/integrations/filed", "filed", "integrations", '"filed"'],
    ["/users/acme", "acme", "activations", '"connection": "others"'],
  ];
  for (const [path, title, section, text] of pages) {
    test(`${path}: its line is said, and there is nothing to change it by`, async () => {
      await visit(page, path, title);
      const line = lineOf(section, text);
      // An item of a list may be said to begin at its bracket.
      await page.getByRole("main").getByText(new RegExp(`attache\\.yaml, line (${line}|${line - 1})\\b`)).first().waitFor();
      await page.getByRole("status", { name: "Loading" }).first().waitFor({ state: "detached" });
      assert.deepEqual((await acts()).filter((it) => CHANGES.test(it.trim())), []);
      await assertGood(page, `filed${path.replaceAll("/", "-")}`);
    });
  }

  test("its activation has no menu, and is checked all the same", async () => {
    await visit(page, "/users/acme", "acme");
    await page.getByRole("heading", { level: 2, name: "others" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "More for others" }).count(), 0);
    await page.getByRole("button", { name: "Check", exact: true }).waitFor();
  });

  test("its connection is tried, and can't be switched off", async () => {
    await visit(page, "/connections/filed", "filed");
    assert.ok(await page.getByRole("switch", { name: "Enabled" }).isDisabled());
    assert.ok(await page.getByRole("switch", { name: "Expose to tenants" }).isDisabled());
    await page.getByRole("link", { name: "Try it" }).waitFor();
  });

  test("its environment is copied, and its cells stay as they are", async () => {
    await visit(page, "/environments", "Environments");
    await page.getByRole("link", { name: "filed" }).first().waitFor();
    assert.equal(await page.getByRole("button", { name: /^(Switch|Choose) / }).count(), 0);
    await page.getByRole("button", { name: "More for filed" }).click();
    await page.getByRole("menuitem", { name: new RegExp(`attache\\.yaml, line ${lineOf("environments", '"filed"')}$`) }).waitFor();
    assert.deepEqual(await page.getByRole("menuitem", { name: /^(Delete|Mark)/ }).count(), 0);
    await assertGood(page, "filed-environment");
    await page.keyboard.press("Escape");
  });

  test("a connection of one's own is made with its method, which is not adjusted here", async () => {
    await page.goto(new URL("/new/connection?connector=filed", page.url()).href);
    await page.getByText(new RegExp(`line ${lineOf("connectors", '"filed"')}: its methods are changed there`)).waitFor();
    assert.equal(await page.getByRole("button", { name: "Adjust it" }).count(), 0);
    assert.deepEqual(await page.getByLabel("Which", { exact: true }).getByRole("option").allInnerTexts(), ["Shop token (API key)"]);
    await assertGood(page, "filed-connection-new");
  });

  test("nothing was wrong in the browser all the while", () => assertQuiet(faults, [/status of 404/]));
});
