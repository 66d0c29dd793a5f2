// connect.js where the browser lets no window open (nobody has clicked): the page itself goes to the link, and back.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Attache } from "./support/attache.mjs";
import { openBrowser, person } from "./support/page.mjs";

const KEY = "key-of-acme-that-is-good";

let attache, app, far, browser, page, faults;

before(async () => {
  far = await listens((request, response) => response.writeHead(request.headers["x-key"] === KEY ? 200 : 401).end());
  app = await listens(shows);
  attache = new Attache();
  attache.more = { connect: { name: "Acme", return_urls: [`${app.url}/`] } };
  // Playwright lets every window open unless it is told not to.
  [browser] = await Promise.all([openBrowser([], { ignoreDefaultArgs: ["--disable-popup-blocking"] }), attache.run()]);
  const main = { api_key: { in: "header", name: "X-Key" }, fields: { key: { name: "API key" } }, probe: { path: "/me" } };
  await attache.send("PUT", "connectors/crm", { name: "CRM", base_url: far.url, auth: { main } });
  await attache.send("PUT", "connections/crm", { name: "CRM", connector: "crm", auth: "main", embedded: true });
  ({ page, faults } = await person(browser, `http://${attache.public}/`));
});

after(async () => {
  await browser.close();
  await attache.stop();
  for (const it of [far, app]) it.stop();
});

async function listens(handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** An application that begins by itself, as the page is there: without a click no browser opens a window for it. */
function shows(request, response) {
  const link = new URL(request.url, app.url).searchParams.get("link");
  response.writeHead(200, { "content-type": "text/html" });
  response.end(`<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>App</h1>
    <script src="http://${attache.public}/connect/connect.js"></script>
    <script>
      const opens = window.open;
      window.open = (...all) => {
        const opened = opens.apply(window, all);
        sessionStorage.setItem("opened", String(opened));
        return opened;
      };
      const link = ${JSON.stringify(link)};
      if (link) setTimeout(() => Attache.connect({ url: link, onClose: () => sessionStorage.setItem("closed", "yes") }), 0);
    </script>`);
}

test("the page goes to the link itself, and return_url leads back once it is connected", async () => {
  const { url } = await attache.send("POST", "connect-sessions", { tenant: "acme", connection: "crm", return_url: `${app.url}/settings` });
  await page.goto(`${app.url}/?link=${encodeURIComponent(url)}`);
  await page.getByRole("heading", { name: "Connect CRM to Acme" }).waitFor();
  assert.equal(page.context().pages().length, 1, "no window was opened");
  assert.equal(await page.evaluate(() => document.body.dataset.seat ?? null), null, "it is a page of its own");
  await page.locator("input[type=password]").fill(KEY);
  await page.locator(".acts button").click();
  await page.waitForURL(`${app.url}/settings**`);
  const { searchParams } = new URL(page.url());
  assert.equal(searchParams.get("status"), "connected", page.url());
  assert.equal(await page.evaluate(() => sessionStorage.getItem("opened")), "null", "the browser did let one open");
  assert.equal(await page.evaluate(() => sessionStorage.getItem("closed")), null, "nobody was told that a window was closed");
  assert.equal((await attache.through("crm@acme")).status, 200);
  assert.deepEqual(faults, []);
});
