// Customers and webhooks in the console: a tenant activated by a form and by a link that the customer opens in a browser of
// their own (at an authorization server that others wrote, oidc-provider), webhooks listed, sent again and looked into, and
// events told to another system. Each act is proved by what the far end was sent.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Attache, soon } from "./support/attache.mjs";
import { PEOPLE, startAuthorization } from "./support/authorization.mjs";
import { assertGood, assertQuiet, openConsole, visit } from "./support/console.mjs";
import { startApi } from "./support/introspecting-api.mjs";
import { openBrowser, person } from "./support/page.mjs";

const APP = { client_id: "crm-app", client_secret: "the-app-s-own-secret-of-32-bytes-or-more" };
const KEY = "key-of-acme-1";
const SIGNING = "the-secret-of-the-sender-of-webhooks";

let attache, authorization, api, far, browser, page, faults;
/** What the far end was sent, without the requests of checks. */
const taken = [];

before(async () => {
  far = await serve(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    taken.push({ url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
    const isGood = !request.url.startsWith("/mail") || request.headers["x-key"] === KEY;
    response.writeHead(isGood ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify({ id: 7, login: "acme-bot" }));
  });
  attache = new Attache();
  attache.more = { connect: { name: "Shop Ltd" } };
  [browser] = await Promise.all([openBrowser(), attache.run()]);
  authorization = await startAuthorization([{ ...APP, redirect_uris: [`http://${attache.public}/oauth/callback`] }]);
  api = await startApi(authorization);

  const mail = { api_key: { in: "header", name: "X-Key" }, fields: { key: { name: "Mail key", description: "Under Settings, API" } }, probe: { path: "/me" } };
  await attache.send("PUT", "connectors/mail", { name: "Mail", base_url: `${far.url}/mail`, auth: { main: mail } });
  await attache.send("PUT", "connections/mail", { name: "Mail of customers", connector: "mail", auth: "main", embedded: true });
  const oauth2 = {
    grant: "authorization_code",
    authorize_url: `${authorization.issuer}/auth`,
    token_url: `${authorization.issuer}/token`,
    revoke_url: `${authorization.issuer}/token/revocation`,
    client_auth: "basic",
    scopes: ["openid", "offline_access", "read"],
    authorize_params: { prompt: "consent" },
  };
  await attache.send("PUT", "connectors/crm", { name: "CRM", base_url: api.url, auth: { main: { oauth2 } } });
  const inputs = { client_id: "global", client_secret: "global" };
  await attache.send("PUT", "connections/crm", { name: "CRM of customers", connector: "crm", auth: "main", embedded: true, credentials: APP, inputs });
  ({ page, faults } = await openConsole(browser, attache, { path: "/users" }));
});

after(async () => {
  await browser.close();
  await attache.stop();
  for (const it of [api, authorization, far]) it.stop();
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

const button = (name) => page.getByRole("button", { name, exact: true });
const field = (name) => page.getByLabel(name, { exact: true });
const dialog = () => page.getByRole("dialog");
const heading = (name, level = 1) => page.getByRole("heading", { name, level });
const row = (name) => page.getByRole("row").filter({ hasText: name });
/** A tenant's activation under the connection of this name. */
const card = (name) => page.getByRole("listitem").filter({ has: heading(name, 2) });
const through = async (connection) => attache.through(`${connection}@acme`, { path: "/orders" });

async function pick(menu, item) {
  await button(menu).click();
  await page.getByRole("menuitem", { name: item }).click();
}

async function closed(act) {
  await button(act).click();
  await dialog().waitFor({ state: "detached" });
}

describe("a customer", () => {
  test("is made under the operator's own id", async () => {
    await visit(page, "/users", "Users");
    await page.getByText("No users yet").waitFor();
    await assertGood(page, "users-empty");
    await button("New user").first().click();
    await field("Id").fill("acme");
    await field("Name (optional)").fill("Acme Ltd");
    await assertGood(page, "user-new");
    await button("Make it").click();
    await heading("Acme Ltd").waitFor();
    await page.getByText("Acme Ltd is not activated anywhere").waitFor();
    await assertGood(page, "user-bare");
    await page.getByRole("link", { name: "Users" }).first().click();
    await field("Search by id or name").fill("nobody of this name");
    await page.getByText("Nobody has this in their id or name").waitFor();
    await field("Search by id or name").fill("Acme");
    await row("acme").waitFor();
    await assertGood(page, "users");
  });

  test("is activated on their behalf by a form, and their requests go out with what was typed", async () => {
    await page.getByRole("link", { name: "Acme Ltd" }).click();
    await button("Activate").first().click();
    await dialog().getByText("Under which embedded connection?").waitFor();
    await assertGood(page, "activate-pick");
    await dialog().getByRole("button", { name: /Mail of customers/ }).click();
    await dialog().getByText("Under Settings, API").waitFor();
    await assertGood(page, "activate-form");
    await field("Mail key").fill(KEY);
    await dialog().getByRole("button", { name: "Activate", exact: true }).click();
    await dialog().waitFor({ state: "detached" });
    await card("Mail of customers").getByText("Ready").waitFor();
    assert.equal((await through("mail")).status, 200);
    assert.equal(taken.at(-1).headers["x-key"], KEY);
    assert.ok(!(await page.content()).includes(KEY), "what was typed is in the page still");
    await card("Mail of customers").getByRole("button", { name: "Check" }).click();
    await page.getByText("It works.").waitFor();
  });

  test("has credentials changed: a wrong one is found out by a check", async () => {
    await pick("More for Mail of customers", "Change credentials …");
    await field("Mail key (optional)").or(field("Mail key")).first().fill("key-of-nobody");
    await closed("Save");
    await card("Mail of customers").getByRole("button", { name: "Check" }).click();
    await page.getByText("It does not work.").waitFor();
    await pick("More for Mail of customers", "Change credentials …");
    await field("Mail key (optional)").or(field("Mail key")).first().fill(KEY);
    await closed("Save");
    await card("Mail of customers").getByRole("button", { name: "Check" }).click();
    await page.getByText("It works.").waitFor();
    await assertGood(page, "user-activated");
  });

  test("connects by a link in a browser of their own, and the operator sees it", async () => {
    await button("Make a connect link").click();
    await field("What are they to connect?").selectOption("connection crm");
    await assertGood(page, "link-new");
    await button("Make a link to send").click();
    await dialog().getByText("Whoever opens it connects as acme").waitFor();
    const url = (await dialog().getByRole("region", { name: "The link" }).innerText()).trim();
    await assertGood(page, "link-made");
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Links" }).click();
    await row("CRM of customers").getByText("open", { exact: true }).waitFor();

    const theirs = await person(browser, `http://${attache.public}/`);
    await theirs.page.goto(url);
    assert.equal(await theirs.page.textContent("h1"), "Connect CRM of customers to Shop Ltd");
    await theirs.page.click("button");
    while (await theirs.page.$('[name="answer"]')) {
      if (await theirs.page.$('[name="password"]')) {
        await theirs.page.fill('[name="name"]', "ann");
        await theirs.page.fill('[name="password"]', PEOPLE.ann);
      }
      await theirs.page.click("button");
    }
    assert.equal(await theirs.page.textContent("h1"), "CRM of customers is connected");
    assertQuiet(theirs.faults);
    await theirs.context.close();

    await row("CRM of customers").getByText("connected", { exact: true }).waitFor();
    assert.equal(await row("CRM of customers").getByRole("button").count(), 0, "a link that was used can't be ended");
    await assertGood(page, "links");
    await page.getByRole("tab", { name: /Activations/ }).click();
    await card("CRM of customers").waitFor();
    const answer = await attache.through("crm@acme");
    assert.deepEqual([answer.status, answer.said.sub], [200, "ann"]);
  });

  test("has a link ended before it is used", async () => {
    await button("Make a connect link").click();
    await field("What are they to connect?").selectOption("connection mail");
    await button("Make a link to send").click();
    const url = (await dialog().getByRole("region", { name: "The link" }).innerText()).trim();
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Links" }).click();
    await row("Mail of customers").getByRole("button", { name: /^End the link/ }).click();
    await closed("End the link");
    await row("Mail of customers").getByText("ended", { exact: true }).waitFor();
    assert.equal((await fetch(url)).status, 410);
  });

  test("has their requests shown as they happen", async () => {
    await page.getByRole("tab", { name: "Requests" }).click();
    const requests = page.getByRole("list", { name: "Requests for acme" });
    await requests.getByRole("link", { name: /orders/ }).first().waitFor();
    await attache.through("mail@acme", { path: "/just-now" });
    await requests.getByRole("link", { name: /just-now/ }).waitFor();
    await assertGood(page, "user-requests");
  });

  test("has a grant renewed and revoked, is switched off and on, and deactivated", async () => {
    await page.getByRole("tab", { name: /Activations/ }).click();
    await pick("More for CRM of customers", "Renew the token");
    await page.getByText("There is a new token.").waitFor();
    await pick("More for CRM of customers", "Revoke …");
    await dialog().getByText("until they connect again").waitFor();
    await closed("Revoke");
    await page.getByText("It is ended, here and at the provider.").waitFor();
    assert.equal((await attache.through("crm@acme")).error, "reauthorization_required");
    await assertGood(page, "user-revoked");

    await pick("More for Mail of customers", "Switch off");
    await card("Mail of customers").getByText("Switched off").waitFor();
    assert.notEqual((await through("mail")).status, 200);
    await pick("More for Mail of customers", "Switch on");
    await card("Mail of customers").getByText("Ready").waitFor();
    assert.equal((await through("mail")).status, 200);

    await pick("More for Mail of customers", "Deactivate …");
    await dialog().getByText("Their credentials under this connection are deleted").waitFor();
    await assertGood(page, "user-deactivate");
    await closed("Deactivate");
    await card("Mail of customers").waitFor({ state: "detached" });
    assert.equal((await through("mail")).error, "embedded_not_activated", "nobody else is activated");
  });

  test("is activated in an environment, under all that it takes or under nothing", async () => {
    await attache.send("PUT", "connectors/chat", { name: "Chat", base_url: `${far.url}/chat`, auth: { main: { basic: {} } } });
    await attache.send("PUT", "connections/chat", { name: "Chat of customers", connector: "chat", auth: "main", embedded: true });
    await attache.send("PUT", "integrations/sync", { connectors: { mail: { connector: "mail" }, chat: { connector: "chat" } } });
    await attache.send("PUT", "environments/production", { integration: "sync", assign: { mail: "mail", chat: "chat" } });
    await page.reload();
    await button("Activate").first().click();
    await field("Everything that an environment takes").selectOption("production");
    await dialog().getByText("All of them are activated, or none.").waitFor();
    await assertGood(page, "activate-environment");
    await field("Mail key").fill(KEY);
    await button("Activate in production").click();
    await dialog().getByRole("alert").first().waitFor();
    const path = "environments/production/activations/acme";
    const { connections } = await attache.send("GET", path);
    assert.deepEqual(connections, { mail: false, chat: false }, "half of it was kept");
    await field("User name").fill("robot");
    await field("Password").fill("password-of-the-robot");
    await closed("Activate in production");
    await card("Chat of customers").getByText("Ready").waitFor();
    assert.equal((await attache.send("GET", path)).activated, true);
    await attache.send("DELETE", path);
    await attache.send("DELETE", "environments/production");
    await page.reload();
    await card("Chat of customers").waitFor({ state: "detached" });
  });

  test("is deleted with all of theirs, once their id is typed", async () => {
    await pick("More", "Delete …");
    await dialog().getByText("1 activation of theirs").waitFor();
    assert.ok(await button("Delete them").isDisabled());
    await dialog().getByRole("textbox").fill("acme");
    await button("Delete them").click();
    await page.getByText("No users yet").waitFor();
    assert.equal((await attache.ask("GET", "connections/crm/activations/acme")).status, 404);
    // What the API refuses is an error to Chromium.
    assertQuiet(faults, [/status of 4(00|09|22)/]);
    faults.length = 0;
  });
});

const signed = (body, secret = SIGNING) => ({
  "content-type": "application/json",
  "x-github-event": "push",
  "x-github-delivery": randomUUID(),
  "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
});
const deliver = (body, headers) => fetch(`http://${attache.public}/hooks/code`, { method: "POST", body, headers });
const raw = (body, headers) => `POST /hooks/code HTTP/1.1\r\n${Object.entries(headers).map(([name, it]) => `${name}: ${it}\r\n`).join("")}\r\n${body}`;

describe("webhooks", () => {
  const body = '{"ref":"refs/heads/main","n":1.0}';

  before(async () => {
    await attache.send("PUT", "connectors/code", { name: "Code", auth: { main: { hmac: { preset: "github" } } } });
    const base_url = `${far.url}/hooks`;
    await attache.send("PUT", "connections/code", { name: "Code host", connector: "code", auth: "main", base_url, credentials: { secret: SIGNING } });
  });

  test("have an address to give to the sender, and counts of what came", async () => {
    await visit(page, "/webhooks", "Webhooks");
    await card("Code host").getByText("Nothing came lately.").waitFor();
    assert.equal((await deliver(body, signed(body))).status, 200);
    assert.equal((await deliver(body, signed(body, "another"))).status, 401);
    await visit(page, "/webhooks", "Webhooks");
    await card("Code host").getByRole("link", { name: /Accepted\s*1/ }).waitFor();
    await card("Code host").getByRole("link", { name: /Refused\s*1/ }).waitFor();
    await assertGood(page, "webhooks");
  });

  test("are listed with what became of each, by filters", async () => {
    await page.getByRole("tab", { name: "Deliveries" }).click();
    await row("Accepted").waitFor();
    await row("Refused").waitFor();
    await assertGood(page, "deliveries");
    await field("Verdict").selectOption({ label: "Refused" });
    await row("Accepted").waitFor({ state: "detached" });
    await row("Refused").getByRole("link", { name: /^Show/ }).click();
    await page.getByText("The signature is another.", { exact: false }).waitFor();
    assert.ok(await button("Replay").isDisabled(), "what was not verified is not sent on");
    await assertGood(page, "delivery-refused");
  });

  test("are sent again, and the target is told that it is a replay", async () => {
    await visit(page, "/webhooks?tab=deliveries&verdict=accepted", "Webhooks");
    await row("Accepted").getByRole("link", { name: /^Show/ }).click();
    await page.getByText('"ref": "refs/heads/main"', { exact: false }).waitFor();
    await assertGood(page, "delivery");
    taken.length = 0;
    await button("Replay").click();
    await dialog().getByText("what it does, it does twice").waitFor();
    await assertGood(page, "delivery-replay");
    await closed("Replay");
    await page.getByText("This is a replay of").waitFor();
    const [again, ...more] = taken;
    assert.deepEqual(more, []);
    assert.deepEqual([again.body, again.headers["attache-webhook-replayed"]], [body, "true"]);
  });

  test("that were captured are looked into: what is good, and at which step one fails", async () => {
    await visit(page, "/webhooks?tab=verifier", "Webhooks");
    await field("Connection").selectOption({ label: "Code host" });
    await field("The captured request").fill(raw(body, signed(body)));
    await button("Verify").click();
    await page.getByText("It verifies.").waitFor();
    await assertGood(page, "verifier-good");
    await field("The captured request").fill(raw(`${body} `, signed(body)));
    await button("Verify").click();
    await page.getByText("It is refused: webhook_bad_signature").waitFor();
    const steps = await page.getByRole("main").getByRole("listitem").filter({ hasText: "failed" }).allInnerTexts();
    assert.ok(steps.some((it) => /signature/i.test(it)), `no step says why: ${steps}`);
    await assertGood(page, "verifier-broken");
    const { "x-hub-signature-256": _, ...unsigned } = signed(body);
    await field("The captured request").fill(raw(body, unsigned));
    await button("Verify").click();
    await page.getByText("It is refused: webhook_unsigned").waitFor();
    assertQuiet(faults);
  });
});

test("another system is told of events, by requests that are signed", async () => {
  await visit(page, "/webhooks?tab=events", "Webhooks");
  await page.getByText("Nobody is told of events yet").waitFor();
  await assertGood(page, "events-empty");
  await button("Tell a system of events").first().click();
  await field("Key").fill("on-call");
  await field("URL").fill(`${far.url}/events`);
  await assertGood(page, "event-subscription-new");
  await button("Make it").click();
  const secret = (await dialog().getByRole("region", { name: "Secret" }).innerText()).trim();
  assert.match(secret, /^whsec_/);
  await closed("I have kept it");
  await row("on-call").getByText("delivering").waitFor();
  await pick("More for on-call", "Send a test");
  await soon("the test comes", () => taken.some((it) => it.url === "/events" && it.headers["webhook-signature"]));
  await button("What was sent to on-call").click();
  await dialog().getByText("delivered", { exact: true }).waitFor();
  await assertGood(page, "events-sent");
  await page.keyboard.press("Escape");
  await assertGood(page, "events");
  await pick("More for on-call", "Another secret");
  await dialog().getByText("The secret before signs as well for").waitFor();
  await assertGood(page, "event-subscription-secret");
  await button("Make the secret").click();
  await dialog().getByRole("heading", { name: "The secret of on-call" }).waitFor();
  assert.notEqual((await dialog().getByRole("region", { name: "Secret" }).innerText()).trim(), secret);
  await closed("I have kept it");
  await pick("More for on-call", "Delete …");
  await closed("Delete it");
  await page.getByText("Nobody is told of events yet").waitFor();
  assertQuiet(faults);
});
