// Three pages as the README shows them, of a gateway with something on it. With CONSOLE_SCREENS, a folder, the pictures are
// written there (`make screens`).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Attache, soon } from "./support/attache.mjs";
import { assertQuiet, openConsole, visit } from "./support/console.mjs";
import { openBrowser } from "./support/page.mjs";

const KEY = "key-of-the-sample-shop";
const ORDERS = [
  { order: 1042, state: "open", total: "129.00 EUR" },
  { order: 1041, state: "sent", total: "58.40 EUR" },
];

let attache, api, browser;

before(async () => {
  browser = await openBrowser();
  api = createServer((request, response) => {
    response.statusCode = request.headers["x-api-key"] === KEY ? 200 : 401;
    response.setHeader("content-type", "application/json").end(JSON.stringify(response.statusCode === 200 ? ORDERS : { error: "no key" }));
  });
  await new Promise((done) => api.listen(0, "127.0.0.1", done));
  attache = new Attache();
  await attache.run();
  const base_url = `http://127.0.0.1:${api.address().port}/shop`;
  await attache.send("PUT", "connectors/orders", {
    name: "Sample orders",
    description: "The orders of a shop.",
    base_url,
    auth: { key: { name: "Shop key", api_key: { in: "header", name: "X-Api-Key" } }, login: { name: "Login", basic: {} } },
    endpoints: {
      "list-orders": { method: "GET", path: "/orders", name: "List orders", tags: ["orders"] },
      "read-order": { method: "GET", path: "/orders/{order}", name: "An order", tags: ["orders"] },
      "place-order": { method: "POST", path: "/orders", name: "Place an order", tags: ["orders"] },
    },
  });
  await attache.send("PUT", "connections/orders-production", { name: "Production", connector: "orders", auth: "key", credentials: { key: KEY } });
  await attache.send("PUT", "connections/orders-customers", { name: "Customers", connector: "orders", auth: "key", embedded: true });
  await attache.send("PUT", "connections/orders-customers/activations/acme", { credentials: { key: KEY } });
});

after(async () => {
  await browser.close();
  await attache.stop();
  api.closeAllConnections();
  api.close();
});

test("a connector, a try-out and the live view", async () => {
  const { page, faults, context } = await openConsole(browser, attache);
  await page.setViewportSize({ width: 1280, height: 800 });
  const shown = async (name) => {
    const folder = process.env.CONSOLE_SCREENS;
    if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
  };
  await visit(page, "/connectors/orders", "Sample orders");
  await page.getByText("Production").first().waitFor();
  await shown("connector");

  await page.goto(new URL("/connectors/orders/try/list-orders?connection=orders-production", page.url()).href);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("1042").first().waitFor();
  assert.ok(!(await page.content()).includes(KEY), "the credential is not shown");
  await shown("try");

  const sent = async () => {
    for (const path of ["/orders", "/orders/1042", "/orders/1041", "/nothing"]) {
      await attache.through("orders-production", { path });
      await attache.through("orders-customers", { path, headers: { "attache-tenant": "acme" } });
    }
    await attache.through("orders-customers", { path: "/orders", headers: { "attache-tenant": "globex" } });
  };
  await sent();
  // A picture has some steps in its charts.
  const steps = async () => (await attache.send("GET", "traffic?window=5m")).points.filter((it) => it.requests > 0).length;
  if (process.env.CONSOLE_SCREENS) await soon("some steps have requests in them", async () => (await sent(), (await steps()) > 3));
  await soon("the exchanges are kept", async () => (await attache.send("GET", "exchanges?limit=50")).items.length >= 10);
  await visit(page, "/live", "Live");
  await page.getByRole("list", { name: "Exchanges" }).getByText("/orders/1041").first().waitFor();
  await page.getByText("Requests a second").waitFor();
  await shown("live");
  assertQuiet(faults);
  await context.close();
});
