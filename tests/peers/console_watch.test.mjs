// What an operator watches and sets in the console: the live log, callers, operators' tokens, keys, the audit trail, the
// configuration in force, and the way in. In a real browser, and each act proved by what attache then does.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Attache, soon } from "./support/attache.mjs";
import { assertGood, assertQuiet, openConsole, signIn, visit } from "./support/console.mjs";
import { openBrowser } from "./support/page.mjs";

/** What Chromium says of an answer that is no success: tests that ask for one expect it. */
const REFUSED = /status of 401/;

/** What changes nothing. */
const LOOKING = ["Show", "Verify the trail"];

let attache, browser, far, page, faults;

before(async () => {
  far = createServer((request, response) => {
    const status = request.url.includes("missing") ? 404 : 200;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ url: request.url }));
  });
  await new Promise((done) => far.listen(0, "127.0.0.1", done));
  [browser, attache] = await Promise.all([openBrowser(), Attache.start()]);
  const base_url = `http://127.0.0.1:${far.address().port}`;
  const auth = { key: { api_key: { in: "header", name: "X-Api-Key", format: "{key}" } } };
  await attache.send("PUT", "connectors/shop", { name: "Shop", base_url, auth });
  for (const key of ["shop", "other"]) {
    await attache.send("PUT", `connections/${key}`, { connector: "shop", auth: "key", credentials: { key: `key-of-${key}` } });
  }
  ({ page, faults } = await openConsole(browser, attache, { path: "/live" }));
});

after(async () => {
  await browser.close();
  await attache.stop();
  far.closeAllConnections();
  far.close();
});

const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const field = (name) => page.getByLabel(name, { exact: true });
const dialog = (on = page) => on.getByRole("dialog");
const row = (name) => page.getByRole("row").filter({ hasText: name });
/** In the live log. */
const exchange = (path) => page.getByRole("list", { name: "Exchanges" }).getByRole("link", { name: path });

/** The status that a caller with this key gets. */
const asked = async (key, connection = "shop", more = {}) => (await attache.through(connection, { path: "/orders", headers: { "attache-key": key }, ...more })).status;

/** What a dialog shows this once, and that it is said so. */
async function issued(label) {
  await dialog().getByText("It is shown this once").waitFor();
  const secret = await dialog().getByRole("region", { name: label }).innerText();
  assert.ok(secret.trim().length > 20, `no secret: ${secret}`);
  return secret.trim();
}

async function closed(act, on = page) {
  await button(act, on).click();
  await dialog(on).waitFor({ state: "detached" });
}

/** A browser of their own for whoever has a token of this role. */
async function visitor(role, path) {
  const made = await attache.send("POST", "tokens", { key: `of-${role}-${Math.random().toString(36).slice(2)}`, role });
  return { ...(await openConsole(browser, attache, { token: made.token, path })), token: made.key };
}

describe("the live log", () => {
  test("shows a request as it happens, and what came of it", async () => {
    await visit(page, "/live", "Live");
    await page.getByText("following", { exact: true }).waitFor();
    await page.getByText("No requests yet").waitFor();
    await assertGood(page, "live-empty");
    assert.equal((await attache.through("shop", { path: "/orders" })).status, 200);
    await exchange(/\/orders/).waitFor();
    assert.match(await exchange(/\/orders/).innerText(), /GET[^]*shop[^]*200/);
    assert.equal((await attache.through("shop", { path: "/missing" })).status, 404);
    await exchange(/\/missing/).waitFor();
    assert.equal((await attache.through("nowhere", { path: "/lost" })).status, 404);
    assert.match(await exchange(/\/lost/).innerText(), /the caller/);
  });

  test("is held while somebody reads, and goes on where it was", async () => {
    await button("Pause").click();
    await attache.through("shop", { path: "/held" });
    await page.getByText("paused, 1 more since").waitFor();
    assert.equal(await exchange(/\/held/).count(), 0);
    await button("Go on").click();
    await exchange(/\/held/).waitFor();
  });

  test("is filtered by what stands in the address", async () => {
    await field("Whose fault").selectOption("caller");
    await exchange(/\/orders/).waitFor({ state: "detached" });
    await exchange(/\/lost/).waitFor();
    assert.equal(new URL(page.url()).searchParams.get("source"), "caller");
    await attache.through("shop", { path: "/passed-by" });
    await attache.through("nowhere", { path: "/lost-again" });
    await exchange(/\/lost-again/).waitFor();
    assert.equal(await exchange(/\/passed-by/).count(), 0);
    await page.reload();
    await exchange(/\/lost-again/).waitFor();
    assert.equal(await exchange(/\/orders/).count(), 0, "after a reload as before");
    await button("Clear").click();
    await field("Part of a path").fill("missing");
    await exchange(/\/lost/).first().waitFor({ state: "detached" });
    await exchange(/\/missing/).waitFor();
    await button("More").click();
    await field("Method").selectOption("POST");
    await page.getByText("Nothing that these filters let through").waitFor();
    await assertGood(page, "live-filtered");
    await button("Clear").click();
    await exchange(/\/orders/).waitFor();
  });

  test("has charts with numbers in them, as a table as well", async () => {
    await page.getByText(/^[1-9]\d* requests, [1-9]\d* failed$/).waitFor();
    await page.locator("canvas").nth(3).waitFor();
    await assertGood(page, "live-charts");
    await button("Show as a table").click();
    const table = page.getByRole("table", { name: "Traffic, step by step" });
    await table.getByRole("row").nth(1).waitFor();
    assert.match(await table.getByRole("row").nth(1).innerText(), /\d+\s+\d+, \d+, \d+/);
    await assertGood(page, "live-table");
    await button("1h").click();
    await page.getByText(/^[1-9]\d* requests, /).waitFor();
    await button("Show as charts").click();
    await page.locator("canvas").first().waitFor();
  });

  test("opens one exchange, with where its time went", async () => {
    await exchange(/\/orders/).first().click();
    await page.getByRole("heading", { level: 1, name: /GET .*\/orders/ }).waitFor();
    await page.getByRole("heading", { name: "Where the time went" }).waitFor();
    await page.getByText(/ in all$/).waitFor();
    await page.getByText("once", { exact: true }).waitFor();
    await assertGood(page, "exchange");
    await page.getByRole("link", { name: "Live" }).first().click();
    await exchange(/\/lost$|\/lost\b/).first().click();
    await page.getByText("connection_not_found").waitFor();
    await page.getByText("No such connection, or the caller may not see it.").waitFor();
    await assertGood(page, "exchange-fault");
  });

  test("says so where an exchange is forgotten", async () => {
    await visit(page, "/live/of-long-ago", "Exchange");
    await page.getByText("It is not kept any more").waitFor();
    await assertGood(page, "exchange-gone");
    assertQuiet(faults, [/status of 404/]);
    faults.length = 0;
  });
});

describe("a caller", () => {
  let first;

  test("is made, and its key opens what it may use and nothing else", async () => {
    await visit(page, "/settings/callers", "Callers");
    await button("New caller").click();
    await assertGood(page, "caller-new");
    await field("Key").fill("Not a key");
    await button("Make it").click();
    await dialog().getByRole("alert").waitFor();
    await field("Key").fill("worker");
    await field("Connections (optional)").fill("shop");
    await field("Methods (optional)").fill("get, head");
    await button("Make it").click();
    first = await issued("Caller key");
    await assertGood(page, "caller-issued");
    await closed("I have kept it");
    await row("worker").getByText("connections shop; methods GET, HEAD").waitFor();
    assert.equal(await asked(first), 200);
    assert.equal(await asked(first, "other"), 404);
    assert.equal(await asked(first, "shop", { method: "DELETE" }), 403);
    assert.ok(!(await page.content()).includes(first), "the key is in the page still");
    await button("More for worker").click();
    await page.getByRole("menuitem", { name: "What it may use …" }).click();
    await field("Connections (optional)").fill("shop, other");
    await assertGood(page, "caller-edit");
    await closed("Save");
    await row("worker").getByText("connections shop, other; methods GET, HEAD").waitFor();
    assert.equal(await asked(first, "other"), 200);
    assertQuiet(faults, [/status of 4(00|22)/]);
    faults.length = 0;
  });

  test("gets another key, and loses one of both", async () => {
    await button("More for worker").click();
    await page.getByRole("menuitem", { name: "New key …" }).click();
    await button("Make the key").click();
    const second = await issued("Caller key");
    await closed("I have kept it");
    assert.deepEqual([await asked(first), await asked(second)], [200, 200]);
    await assertGood(page, "callers");
    const { keys } = (await attache.send("GET", "callers/worker"));
    const old = keys.find((it) => first.startsWith(it.prefix)).prefix;
    await row("worker").getByRole("listitem").filter({ hasText: old }).getByRole("button", { name: "Withdraw" }).click();
    await dialog().getByText("answered 401").waitFor();
    await closed("Withdraw the key");
    assert.deepEqual([await asked(first), await asked(second)], [401, 200]);

    await button("More for worker").click();
    await page.getByRole("menuitem", { name: "Delete …" }).click();
    await closed("Delete it and its keys");
    await row("worker").waitFor({ state: "detached" });
    assert.equal(await asked(second), 401);
  });

  test("of a file is shown with where it stands, and not changed here", async () => {
    await row("runtime").getByText("in a file").waitFor();
    assert.equal(await button("More for runtime").count(), 0);
  });
});

describe("an operator's token", () => {
  test("is made, signs in, is withdrawn, and its session ends where it is", async () => {
    await visit(page, "/settings/operators", "Operators");
    await button("New token").click();
    await field("Name").fill("beth");
    await page.getByRole("radio", { name: /^Operator/ }).check();
    await assertGood(page, "token-new");
    await button("Make it").click();
    const token = await issued("Operator token");
    await closed("I have kept it");
    await row("beth").getByText("operator", { exact: true }).waitFor();
    await assertGood(page, "operators");

    const beth = await openConsole(browser, attache, { token, path: "/settings/callers" });
    await beth.page.getByRole("heading", { level: 1, name: "Callers" }).waitFor();
    await beth.page.getByText("Signed in as beth, operator").waitFor();
    await button("Withdraw beth").click();
    await closed("Withdraw it");
    await row("beth").waitFor({ state: "detached" });
    await beth.page.getByRole("link", { name: "Audit trail" }).click();
    await beth.page.getByText("You were signed out. Sign in to go on where you were.").waitFor();
    assert.equal(await beth.page.getByRole("navigation", { name: "Main" }).count(), 0, "nothing of it is seen any more");
    await beth.page.getByLabel("Operator token").fill(token);
    await button("Sign in", beth.page).click();
    await beth.page.getByText("This token is not known here, or was withdrawn.").waitFor();
    await signIn(beth.page, attache.token);
    await beth.page.getByRole("heading", { level: 1, name: "Audit trail" }).waitFor();
    assertQuiet(beth.faults, [REFUSED]);
    await beth.context.close();
  });
});

describe("the audit trail", () => {
  test("says who did what, filtered and in full", async () => {
    await visit(page, "/settings/audit", "Audit trail");
    await page.getByRole("table", { name: "Audit trail" }).waitFor();
    await field("What kind").fill("caller");
    await page.waitForURL(/kind=caller/);
    await row("worker").first().waitFor();
    await row("console session").first().waitFor({ state: "detached" });
    await row("worker").filter({ hasText: "delete" }).getByRole("button", { name: /^Show entry/ }).click();
    await dialog().getByRole("heading", { name: "Before" }).waitFor();
    await assertGood(page, "audit-entry");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "detached" });
  });

  test("is verified, with a head to keep", async () => {
    await button("Verify the trail").click();
    await page.getByText(/^All \d+ entries are as they were written\.$/).waitFor();
    const { head } = await attache.send("POST", "audit/verify", {});
    assert.match(await page.getByText("Keep this somewhere else").innerText(), /[0-9a-f]{16}/);
    assert.ok(head);
    await assertGood(page, "audit");
  });
});

test("the sealing keys are shown with what each opens", async () => {
  await visit(page, "/settings/keys", "Keys");
  const { newest, keys } = await attache.send("GET", "keys");
  const { credentials } = keys.find((it) => it.id === newest);
  assert.ok(credentials >= 2, "two connections have some");
  await row(newest).getByText("newest: it seals").waitFor();
  await row(newest).getByText(`${credentials} secrets`).waitFor();
  await row(newest).getByText("has it", { exact: true }).waitFor();
  await page.getByText("All of it is under the newest key.").waitFor();
  assert.equal(await button("Put everything under the newest").count(), 0, "there is nothing to be done");
  await assertGood(page, "keys");
});

test("the configuration in force says where each value came from", async () => {
  await visit(page, "/settings/configuration", "Configuration");
  await row("store.url").getByText(/attache\.yaml, line \d+/).waitFor();
  await row("server.admin.token").getByText("set, and not shown").waitFor();
  assert.ok(!(await page.content()).includes(attache.token));
  await assertGood(page, "configuration");
  await field("Search settings").fill("no such setting");
  await page.getByText("Nothing is set that has this in it").waitFor();
  await field("Search settings").fill("webhooks.");
  await field("Only what is set").uncheck();
  await row("webhooks.").first().getByText("default", { exact: true }).waitFor();
});

test("a viewer sees everything, and nothing to do with it", async () => {
  const viewer = await visitor("viewer", "/live");
  await viewer.page.getByRole("heading", { level: 1, name: "Live" }).waitFor();
  const pages = [
    ["/settings/callers", "Callers", "runtime"],
    ["/settings/operators", "Operators", "Signed in as"],
    ["/settings/keys", "Keys", "newest: it seals"],
    ["/settings/audit", "Audit trail", "console session"],
    ["/settings/configuration", "Configuration", "server.proxy.listen"],
    ["/users", "Users", "No users yet"],
    ["/webhooks", "Webhooks", "Nothing takes webhooks yet"],
    ["/webhooks?tab=events", "Webhooks", "Nobody is told of events yet"],
  ];
  for (const [path, title, holds] of pages) {
    await visit(viewer.page, path, title);
    await viewer.page.getByRole("main").getByText(holds).first().waitFor();
    const acts = await viewer.page.getByRole("main").getByRole("button").allInnerTexts();
    assert.deepEqual(acts.filter((it) => !LOOKING.includes(it)), [], `${path} has acts for a viewer`);
    assert.equal(await viewer.page.getByRole("link", { name: /^New/ }).count(), 0, path);
  }
  assertQuiet(viewer.faults);
  await viewer.context.close();
});

describe("the way in", () => {
  test("refuses a wrong token in words, lets the right one through to where they wanted, and out again", async () => {
    const own = await openConsole(browser, attache, { token: null, path: "/settings/keys?from=a-mail" });
    await own.page.getByRole("heading", { level: 1, name: "Sign in to attache" }).waitFor();
    await assertGood(own.page, "sign-in");
    await own.page.getByLabel("Operator token").fill("a-token-that-nobody-made");
    await button("Sign in", own.page).click();
    await own.page.getByText("This token is not known here, or was withdrawn.").waitFor();
    await assertGood(own.page, "sign-in-wrong");
    assertQuiet(own.faults, [REFUSED]);
    own.faults.length = 0;
    await signIn(own.page, attache.token);
    await own.page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
    await own.page.reload();
    await own.page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
    await button("Sign out", own.page).click();
    await own.page.getByRole("heading", { level: 1, name: "Sign in to attache" }).waitFor();
    const answer = await own.page.context().request.get(`${own.origin}/v1/callers`);
    assert.equal(answer.status(), 401, "its cookie opens nothing");
    assertQuiet(own.faults);
    await own.context.close();
  });

  test("is all that a session shows once it is over", async () => {
    const { page: theirs, faults: said, context, token } = await visitor("operator", "/live");
    await theirs.getByText("following", { exact: true }).waitFor();
    await attache.send("DELETE", `tokens/${token}`);
    // The stream ends with the session, and the next try finds out.
    await soon("the sign-in is shown", () => theirs.getByRole("heading", { name: "Sign in to attache" }).count());
    assertQuiet(said, [REFUSED]);
    await context.close();
  });
});

test("on a phone the tabs are behind a button, and gone once one is chosen", async () => {
  await visit(page, "/settings/keys", "Keys");
  await page.setViewportSize({ width: 390, height: 800 });
  const main = page.getByRole("navigation", { name: "Main" });
  assert.equal(await main.count(), 0, "they take no room");
  await button("Menu").click();
  await main.getByRole("link", { name: "Settings" }).and(page.locator("[aria-current=page]")).waitFor();
  await assertGood(page, "menu");
  await page.setViewportSize({ width: 390, height: 800 });
  await main.getByRole("link", { name: "Webhooks" }).click();
  await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
  await main.waitFor({ state: "detached" });
});

test("nothing was wrong in the browser all the while", () => assertQuiet(faults));
