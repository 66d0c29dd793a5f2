// Connections, integrations and environments in the console: made, connected, switched, re-pinned, replaced and deleted by
// an operator in a browser, and each proved by what the far end was sent.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Attache } from "./support/attache.mjs";
import { assertGood, assertQuiet, openConsole, visit } from "./support/console.mjs";
import { openBrowser } from "./support/page.mjs";

const PATIENCE_MS = 20_000;

let attache, browser, far, page, faults;
/** What the far end was sent last. */
let seen;

before(async () => {
  far = await serve((request, response) => {
    const url = new URL(request.url, far.url);
    const json = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (url.pathname === "/oauth/authorize") {
      const back = new URL(url.searchParams.get("redirect_uri"));
      back.searchParams.set("code", "code-of-ann");
      back.searchParams.set("state", url.searchParams.get("state"));
      return response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === "/oauth/token") {
      return json(200, { access_token: "token-of-ann", refresh_token: "refresh-of-ann", token_type: "Bearer", expires_in: 3600 });
    }
    seen = request;
    return json(200, { url: request.url });
  });
  [browser, attache] = await Promise.all([openBrowser(), Attache.start()]);
  await attache.send("PUT", "connectors/shop", {
    name: "Shop",
    base_url: `${far.url}/shop`,
    auth: {
      token: { name: "Shop token", api_key: { in: "header", name: "X-Api-Key", format: "{key}" }, probe: { path: "/me" } },
      app: {
        name: "Shop app",
        oauth2: { grant: "authorization_code", authorize_url: `${far.url}/oauth/authorize`, token_url: `${far.url}/oauth/token` },
      },
    },
    endpoints: { list_orders: { method: "GET", path: "/orders", name: "List orders" } },
  });
  await attache.send("PUT", "connectors/desk", { name: "Desk", base_url: `${far.url}/desk`, auth: { login: { basic: {} } } });
  await attache.send("PUT", "connectors/open", { name: "Open data", base_url: `${far.url}/open`, auth: {} });
  await attache.send("PUT", "integrations/sync", { name: "Sync", connectors: { shop: { connector: "shop" }, desk: { connector: "desk" } } });
  ({ page, faults } = await openConsole(browser, attache, { path: "/connections" }));
});

after(async () => {
  await browser.close();
  await attache.stop();
  far.stop();
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

const button = (name, exact = true) => page.getByRole("button", { name, exact });
const field = (name) => page.getByLabel(name, { exact: true });
const heading = (name, level = 1) => page.getByRole("heading", { name, level });
const dialog = () => page.getByRole("dialog");

/** The form for a new connection to this API. */
async function begin(connector, name, { query = "" } = {}) {
  await page.goto(new URL(`/new/connection?connector=${connector}${query}`, page.url()).href);
  await heading("2. Connection", 2).waitFor();
  await field("Name").last().fill(name);
}

async function save(name, act = "Make the connection") {
  await button(act).click();
  await heading(name).waitFor();
  await heading("It is made. What next?", 2).waitFor();
}

/** A request through it, and the headers that came to the far end. */
async function sentThrough(key, options) {
  seen = undefined;
  const { status } = await attache.through(key, { path: "/orders", ...options });
  assert.equal(status, 200);
  return seen;
}

describe("a connection is made", () => {
  test("with a method of the connector, found in the list", async () => {
    await visit(page, "/connections", "Connections");
    await page.getByText("No connection yet").waitFor();
    await page.getByRole("link", { name: "New connection" }).click();
    await page.getByRole("link", { name: /Shop/ }).click();
    await heading("2. Connection", 2).waitFor();
    await field("Name").fill("Shop of ours");
    assert.equal(await field("Key").first().inputValue(), "shop-of-ours");
    await button("Check").click();
    await page.getByText("Somebody answers there").waitFor();
    await field("Key").last().fill("key-of-the-shop-1");
    await save("Shop of ours");
    assert.equal((await sentThrough("shop-of-ours")).headers["x-api-key"], "key-of-the-shop-1");
  });

  const kinds = [
    ["API key", "by-key", { Key: "k-1234567" }, (it) => it.headers.authorization === "Bearer k-1234567"],
    ["Bearer token", "by-token", { Token: "t-1234567" }, (it) => it.headers.authorization === "Bearer t-1234567"],
    ["Basic", "by-password", { "User name": "ann", Password: "p-1234567" }, (it) => it.headers.authorization?.startsWith("Basic ")],
    ["Custom", "by-custom", { Key: "c-1234567" }, (it) => it.headers["x-api-key"] === "c-1234567"],
  ];
  for (const [type, key, credentials, isGood] of kinds) {
    test(`with a new method: ${type}`, async () => {
      await begin("open", key);
      await field("Which").first().selectOption({ label: "A new one" });
      await page.getByRole("radio", { name: type }).check();
      for (const [label, value] of Object.entries(credentials)) await field(label).last().fill(value);
      await save(key);
      assert.ok(isGood(await sentThrough(key)), `what came: ${JSON.stringify(seen.headers)}`);
    });
  }

  test("what is missing is said at its field, and nothing is lost", async () => {
    await begin("desk", "Half");
    await field("User name").fill("ann");
    await button("Make the connection").click();
    await page.getByText("the credential field `password` is missing").first().waitFor();
    assert.equal(await field("User name").inputValue(), "ann");
    await field("Password").fill("p-7654321");
    await save("Half");
  });

  test("None, where the API wants credentials, warns that requests will fail", async () => {
    await begin("desk", "Bare");
    await field("Which").first().selectOption({ label: "A new one" });
    await page.getByRole("radio", { name: "Another" }).check();
    await field("Which").last().selectOption({ label: "None" });
    await page.getByText("Requests will fail").waitFor();
  });

  test("by a person's consent at the provider, and back", async () => {
    await begin("shop", "Shop by consent");
    await field("Which").selectOption("app");
    await field("Client id").fill("client-1");
    await field("Client secret").fill("secret-1234567");
    await save("Shop by consent", "Save, then connect the account");
    await button("Connect now").first().click();
    await page.getByText("The account is connected").waitFor();
    await heading("Shop by consent").waitFor();
    assert.ok(!page.url().includes("code-of-ann"), "the code stayed in the address");
    assert.equal((await sentThrough("shop-by-consent")).headers.authorization, "Bearer token-of-ann");
  });

  test("a consent that was not begun in this window is not taken", async () => {
    const begun = { connection: "shop-by-consent", state: "of-this-window", test: false };
    await page.evaluate((it) => sessionStorage.setItem("attache-consent", it), JSON.stringify(begun));
    await page.goto(new URL("/consent?code=of-another&state=of-another", page.url()).href);
    await page.getByText("This was not begun in this window").waitFor();
  });
});

describe("an embedded connection", () => {
  test("asks for no credentials, says who brings them, and then for test credentials", async () => {
    await begin("desk", "Desk of customers");
    await page.getByRole("switch", { name: "Embedded" }).click();
    await page.getByText("Nothing to fill in here").waitFor();
    assert.equal(await field("Password").count(), 0);
    await assertGood(page, "connection-new-embedded");
    await save("Desk of customers", "Make the embedded connection");
    await button("Enter test credentials").click();
    await field("User name").fill("tester");
    await field("Password").fill("p-of-the-tester");
    await button("Save").click();
    await dialog().waitFor({ state: "detached" });
    const test = await sentThrough("desk-of-customers", { headers: { "attache-key": attache.callerKey, "attache-test": "true" } });
    assert.equal(test.headers.authorization, `Basic ${btoa("tester:p-of-the-tester")}`);
  });

  test("is switched to, with what is deleted said before", async () => {
    await visit(page, "/connections/by-password", "by-password");
    await button("More that can be done").click();
    await page.getByRole("menuitem", { name: "Switch to embedded" }).or(button("Switch to embedded")).click();
    await dialog().getByText("its credentials (password, username)").or(dialog().getByText("its credentials (username, password)")).waitFor();
    await assertGood(page, "connection-switch");
    await button("Make it embedded").click();
    await page.getByText("No tenant yet").first().waitFor();
    const { embedded } = await attache.send("GET", "connections/by-password");
    assert.equal(embedded, true);
  });
});

describe("a connection that is used", () => {
  before(async () => {
    const shop = (key) => attache.send("PUT", `connections/${key}`, { connector: "shop", auth: "token", credentials: { key: `key-of-${key}` } });
    await Promise.all([shop("shop-a"), shop("shop-b")]);
    await attache.send("PUT", "environments/production", { name: "Production", integration: "sync", deployed: true, assign: { shop: "shop-a" } });
    await attache.send("PUT", "connectors/shop/auth/token", { api_key: { in: "header", name: "X-Shop-Key", format: "{key}" }, probe: { path: "/me" } });
  });

  test("is re-pinned, with what differs and who is affected said before", async () => {
    assert.equal((await sentThrough("shop-a")).headers["x-api-key"], "key-of-shop-a");
    await visit(page, "/connections/shop-a", "shop-a");
    await button("Revision 2 is there").click();
    await dialog().getByText("production").waitFor();
    await dialog().getByText(/X-Shop-Key/).first().waitFor();
    await button("Pin revision 2").click();
    await dialog().waitFor({ state: "detached" });
    assert.equal((await sentThrough("shop-a")).headers["x-shop-key"], "key-of-shop-a");
  });

  test("is not deleted without its key typed, and says who breaks", async () => {
    await visit(page, "/connections/shop-a", "shop-a");
    await button("More that can be done").click();
    await page.getByRole("menuitem", { name: "Delete" }).or(button("Delete")).click();
    await dialog().getByText("It is in use.", { exact: false }).waitFor();
    assert.ok(await button("Delete it and break these").isDisabled());
    await button("Keep it as it is").click();
    await dialog().waitFor({ state: "detached" });
  });

  test("is replaced everywhere by another", async () => {
    await visit(page, "/connections/shop-a", "shop-a");
    await button("Replace").click();
    await dialog().getByRole("radio", { name: /^shop-b/ }).check();
    await button("See what changes").click();
    await button("Replace it in 1 environment").click();
    await dialog().waitFor({ state: "detached" });
    const { assign } = await attache.send("GET", "environments/production");
    assert.equal(assign.shop, "shop-b");
  });

  test("is switched off with who is refused said before, and on again", async () => {
    await visit(page, "/connections/shop-b", "shop-b");
    await page.getByRole("switch", { name: "Enabled" }).click();
    await dialog().getByText("production").waitFor();
    await button("Switch it off").click();
    await dialog().waitFor({ state: "detached" });
    assert.equal((await attache.through("shop-b")).error, "connection_disabled");
    await page.getByRole("switch", { name: "Enabled" }).click();
    await page.getByText("Its requests are refused until").waitFor({ state: "detached" });
    await sentThrough("shop-b");
  });

  test("does not send its credentials elsewhere unless that is said", async () => {
    await visit(page, "/connections/shop-a", "shop-a");
    await button("Edit").click();
    await field("Base URL (optional)").fill("http://127.0.0.1:1/elsewhere");
    await button("Save").click();
    await button("Change it all the same").waitFor();
    await button("Cancel").click();
    await sentThrough("shop-a");
  });
});

describe("an environment", () => {
  test("shows what is missing, and gets a connection that is made for the cell", async () => {
    await visit(page, "/environments", "Environments");
    await page.getByText("Deployed environments lack a connection").waitFor();
    await assertGood(page, "environments");
    await button("Choose desk in Production").click();
    await dialog().getByRole("link", { name: "Make a new one" }).click();
    await heading("2. Connection", 2).waitFor();
    await field("User name").fill("ann");
    await field("Password").fill("p-of-production");
    await button("Make the connection").click();
    await heading("It is made. What next?", 2).waitFor();
    const { assign } = await attache.send("GET", "environments/production");
    assert.equal(assign.desk, "desk-production");
  });

  test("is switched to another connection, with what changes said before", async () => {
    await visit(page, "/environments", "Environments");
    await button("Switch shop in Production").click();
    await dialog().getByRole("radio", { name: /^shop-a/ }).check();
    await button("See what changes").click();
    await dialog().getByText("This environment is deployed", { exact: false }).waitFor();
    await button("Switch to shop-a").click();
    await dialog().waitFor({ state: "detached" });
    const { assign } = await attache.send("GET", "environments/production");
    assert.equal(assign.shop, "shop-a");
  });

  test("is made as a copy of another", async () => {
    await visit(page, "/environments", "Environments");
    await button("New environment").click();
    await dialog().getByLabel("Name").fill("Staging");
    await dialog().getByLabel("Begin with the connections of").selectOption({ label: "Production" });
    await button("Make the environment").click();
    await page.getByText("Staging").first().waitFor();
    await dialog().waitFor({ state: "detached" });
    const { assign } = await attache.send("GET", "environments/staging");
    assert.equal(assign.shop, "shop-a");
  });
});

describe("an integration", () => {
  test("is made, and a connector of the catalogue is added with its central version", async () => {
    await visit(page, "/integrations", "Integrations");
    await button("New integration").click();
    await dialog().getByLabel("Name").fill("Release notes");
    await button("Make the integration").click();
    await heading("Release notes").waitFor();
    await button("Add a connector").first().click();
    await page.getByRole("searchbox", { name: "Search connectors and the catalogue" }).fill("github");
    await dialog().getByRole("radio", { name: /github/i }).first().check({ timeout: PATIENCE_MS });
    await button("Add it").click();
    await dialog().waitFor({ state: "detached" });
    await page.getByText("Auth methods:").waitFor();
    assert.ok((await attache.send("GET", "connectors/github")).base_url);
  });

  test("shows its connectors, connections, endpoints and environments in one place", async () => {
    await visit(page, "/integrations/sync", "Sync");
    await page.locator("summary", { hasText: "Endpoints" }).click();
    await page.getByText("/orders").waitFor();
    await assertGood(page, "integration");
  });
});

describe("the pages", () => {
  const pages = [
    ["/connections", "Connections"],
    ["/new/connection", "New connection"],
    ["/new/connection?connector=shop", "New connection to Shop"],
    ["/connections/shop-a", "shop-a"],
    ["/connections/desk-of-customers", "Desk of customers"],
    ["/connections/shop-by-consent", "Shop by consent"],
    ["/integrations", "Integrations"],
  ];
  for (const [path, title] of pages) {
    test(`${path} is good at every width, in the light and in the dark`, async () => {
      await visit(page, path, title);
      await page.getByRole("status", { name: "Loading" }).first().waitFor({ state: "detached" });
      await assertGood(page, `page${path.replaceAll(/[^a-z]+/g, "-")}`);
    });
  }

  test("a viewer sees them and no act", async () => {
    const { token } = await attache.send("POST", "tokens", { key: "viewer", role: "viewer" });
    const viewer = await openConsole(browser, attache, { token, path: "/connections/shop-a" });
    await viewer.page.getByRole("heading", { level: 1, name: "shop-a" }).waitFor();
    for (const name of ["Edit", "Replace", "Change", "More that can be done"]) {
      assert.equal(await viewer.page.getByRole("button", { name, exact: true }).count(), 0, name);
    }
    assertQuiet(viewer.faults);
    await viewer.context.close();
  });

  test("nothing was wrong in the browser but what was refused", () => {
    assertQuiet(faults, [/status of 4(09|22)/]);
  });
});
