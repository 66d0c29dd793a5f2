// The Connect tab of the console in a real browser, against an API that asks for a key: the newcomer's path from an OpenAPI
// file to an answer, and what else can be done with a connector.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Attache, assertTold } from "./support/attache.mjs";
import { assertGood, assertQuiet, openConsole, visit } from "./support/console.mjs";
import { openBrowser } from "./support/page.mjs";

const GOOD_KEY = "key-of-the-pet-shop-that-is-good";
const WRONG_KEY = "key-of-nobody-that-is-no-good-at-all";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let attache, api, browser;
/** What the API was asked, in order. */
const asked = [];

before(async () => {
  browser = await openBrowser();
  api = await startApi();
  attache = await Attache.start();
});

after(async () => {
  const said = attache.said();
  await browser.close();
  await attache.stop();
  api.closeAllConnections();
  api.close();
  assertTold(said, [GOOD_KEY, WRONG_KEY, attache.token]);
});

async function startApi() {
  const pets = [
    { id: 1, name: "Rex", owner: { name: "Ann" } },
    { id: 2, name: "Tom", owner: null },
  ];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    asked.push({ method: request.method, url: request.url, key: request.headers["x-api-key"], body });
    const answer = (status, said) => {
      response.statusCode = status;
      response.setHeader("content-type", "application/json").end(JSON.stringify(said));
    };
    if (request.headers["x-api-key"] !== GOOD_KEY) return answer(401, { error: "no such key" });
    if (request.url === "/v1/picture") return response.setHeader("content-type", "image/png").end(Buffer.from(PIXEL, "base64"));
    if (request.method === "POST") return answer(201, { made: JSON.parse(body) });
    const one = request.url.match(/\/pets\/([^/?]+)$/);
    if (!one) return answer(200, { items: pets, sent_with: request.headers["x-api-key"] });
    const found = pets.find((it) => String(it.id) === one[1]);
    return found ? answer(200, found) : answer(404, { error: "no such pet" });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

const base = () => `http://127.0.0.1:${api.address().port}/v1`;

/** What a newcomer has at hand. One operation and one flow are in it that attache can't use. */
const description = (title = "Pet shop") => `openapi: 3.1.0
info: { title: ${title}, version: "1.4", description: Pets and who owns them. }
servers: [ { url: "${base()}" } ]
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Api-Key }
    old: { type: oauth2, flows: { implicit: { authorizationUrl: "https://pets.example/authorize", scopes: {} } } }
security: [ { key: [] } ]
paths:
  /pets:
    get: { operationId: listPets, summary: List the pets, tags: [pets], responses: {} }
    post: { operationId: createPet, summary: Add a pet, tags: [pets], responses: {} }
    trace: { operationId: tracePets, responses: {} }
  /pets/{petId}:
    get: { operationId: getPet, summary: One pet, tags: [pets], responses: {} }
  /picture:
    get: { operationId: getPicture, summary: The picture, tags: [pictures], responses: {} }
`;

/** A connector of this key, by the API, with connections by key. */
async function prepare(key, connections = {}) {
  const endpoints = {
    "list-pets": { name: "List the pets", method: "GET", path: "/pets", tags: ["pets"] },
    "create-pet": { name: "Add a pet", method: "POST", path: "/pets", tags: ["pets"] },
    "get-pet": { name: "One pet", method: "GET", path: "/pets/{petId}", tags: ["pets"] },
    picture: { name: "The picture", method: "GET", path: "/picture", tags: ["pictures"] },
  };
  const auth = { key: { name: "Shop key", api_key: { in: "header", name: "X-Api-Key" } } };
  await attache.send("PUT", `connectors/${key}`, { name: `Shop ${key}`, base_url: base(), auth, endpoints });
  for (const [name, more] of Object.entries(connections)) {
    await attache.send("PUT", `connections/${name}`, { connector: key, auth: "key", ...more });
  }
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name });
const answer = (page) => page.getByRole("region", { name: "Answer", exact: true });

/** Drops a file on the page, as a person does with one from a folder. */
async function drop(page, name, text) {
  const carried = await page.evaluateHandle(
    ({ name, text }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name, { type: "application/yaml" }));
      return transfer;
    },
    { name, text },
  );
  await page.locator("[data-drop]").dispatchEvent("drop", { dataTransfer: carried });
}

test("the newcomer's path: from the empty console to an answer of one's own API, in five clicks", async () => {
  const { context, page, faults } = await openConsole(browser, attache);
  await page.getByRole("heading", { name: "Add the first API" }).waitFor();
  await assertGood(page, "connectors-empty");

  await drop(page, "pets.yaml", description());
  await page.getByRole("heading", { name: "1 auth method, 4 endpoints" }).waitFor();
  await page.getByText("TRACE is not a method that can be sent").waitFor();
  assert.equal(await page.getByLabel("Key", { exact: true }).inputValue(), "pet-shop");
  assert.equal(await page.getByLabel("Base URL").inputValue(), base());
  await assertGood(page, "connectors-mapping");
  await page.getByRole("button", { name: "Create it, and add a connection" }).click(); // 1

  await heading(page, "New connection to Pet shop").waitFor();
  await page.locator('input[type="password"]').first().fill(GOOD_KEY);
  await page.getByRole("button", { name: "Make the connection" }).click(); // 2
  await page.getByRole("link", { name: "Try it" }).first().click(); // 3

  await heading(page, "Try Pet shop").waitFor();
  assert.equal(await page.getByLabel("Path", { exact: true }).inputValue(), "/pets", "the easiest endpoint is there already");
  await page.getByText(base(), { exact: true }).waitFor();
  await page.getByRole("button", { name: "Send" }).click(); // 4
  await answer(page).getByText('"Rex"').waitFor();
  assert.equal(asked.at(-1).key, GOOD_KEY);
  await answer(page).getByText("x-api-key", { exact: true }).waitFor();
  await assertGood(page, "try-answer");
  assert.ok(!(await page.content()).includes(GOOD_KEY), "the credential is nowhere in the page, though the API sends it back");

  await page.getByRole("link", { name: "In the live log" }).click(); // 5
  await page.getByText("/pets", { exact: false }).first().waitFor();
  await page.getByText("pet-shop", { exact: false }).first().waitFor();
  assertQuiet(faults);
  await context.close();
});

describe("a new connector", () => {
  test("whose title is taken gets a key of its own, and what is no description is told", async () => {
    await prepare("shop-again");
    const { context, page, faults } = await openConsole(browser, attache, { path: "/new/connector" });
    await heading(page, "New connector").waitFor();
    await assertGood(page, "connectors-new");
    await drop(page, "notes.txt", "hello: 1");
    await page.getByText("neither `openapi` nor `swagger`").first().waitFor();
    await drop(page, "again.yaml", description("Shop again"));
    await page.getByRole("heading", { name: "1 auth method, 4 endpoints" }).waitFor();
    assert.equal(await page.getByLabel("Key", { exact: true }).inputValue(), "shop-again-2");
    assertQuiet(faults, [/status of 422/]);
    await context.close();
  });

  test("comes of the catalogue by one press", async () => {
    const { context, page, faults } = await openConsole(browser, attache, { path: "/new/connector" });
    await page.getByLabel("Search the catalogue").fill("github");
    await page.getByRole("button", { name: "Look" }).click();
    await page.getByRole("button", { name: "Add GitHub", exact: true }).waitFor();
    await assertGood(page, "connectors-catalogue");
    await page.getByRole("button", { name: "Add GitHub", exact: true }).click();
    await heading(page, "New connection to GitHub").waitFor();
    assert.ok((await attache.send("GET", "connectors/github")).endpoints);
    assertQuiet(faults);
    await context.close();
  });

  test("by hand has its base URL checked, and its faults at their fields", async () => {
    const { context, page, faults } = await openConsole(browser, attache, { path: "/new/connector?way=hand" });
    await page.getByLabel("Name", { exact: true }).fill("By Hand");
    assert.equal(await page.getByLabel("Key", { exact: true }).inputValue(), "by-hand");
    await page.getByLabel("Base URL").fill("ftp://nowhere");
    await page.getByRole("button", { name: "Create it, and add a connection" }).click();
    await page.getByText("neither `https://` nor `http://`").first().waitFor();
    await page.getByLabel("Base URL").fill(base());
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText(/It answers: 401/).waitFor();
    await page.getByLabel("How it authenticates").selectOption({ label: "A key in a header" });
    await assertGood(page, "connectors-by-hand");
    await page.getByRole("button", { name: "Create it, and add a connection" }).click();
    await heading(page, "New connection to By Hand").waitFor();
    const { auth } = await attache.send("GET", "connectors/by-hand");
    assert.equal(auth.key.api_key.name, "X-Api-Key");
    assertQuiet(faults, [/status of 422/]);
    await context.close();
  });
});

describe("trying out", () => {
  test("fills in the path, sends a body, keeps what was written, and says what a refusal means", async () => {
    await prepare("tried", { "tried-good": { credentials: { key: GOOD_KEY } }, "tried-wrong": { credentials: { key: WRONG_KEY } } });
    const { context, page, faults } = await openConsole(browser, attache, { path: "/connectors/tried?tab=endpoints" });
    await page.getByRole("link", { name: "Try it: GET /pets/{petId}" }).click();
    await heading(page, "One pet").waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("Give petId a value.").waitFor();
    await page.getByLabel("petId").fill("2");
    await page.getByLabel("petId").press("Control+Enter");
    await answer(page).getByText('"Tom"').waitFor();
    assert.equal(asked.at(-1).url, "/v1/pets/2");
    await page.getByRole("tab", { name: "curl" }).click();
    await page.getByText("$ATTACHE_KEY").waitFor();
    await page.getByRole("tab", { name: "What was sent" }).click();
    await page.getByText("put on by attache").first().waitFor();
    await assertGood(page, "try-sent");

    await page.getByRole("button", { name: "Endpoints" }).click();
    await page.getByLabel("Search by method, path, name or tag").fill("add");
    await page.getByRole("dialog").getByRole("link", { name: /Add a pet/ }).click();
    await heading(page, "Add a pet").waitFor();
    await page.getByLabel("Body", { exact: true }).fill('{"name":"Kim"');
    await page.getByText("This is not JSON yet").waitFor();
    await page.getByLabel("Body", { exact: true }).fill('{"name":"Kim"}');
    await page.getByRole("button", { name: "Send" }).click();
    await answer(page).getByText('"Kim"').waitFor();
    assert.equal(asked.at(-1).body, '{"name":"Kim"}');

    await page.goBack();
    await heading(page, "One pet").waitFor();
    assert.equal(await page.getByLabel("petId").inputValue(), "2", "what was written is there still");
    await answer(page).getByText('"Tom"').waitFor();

    await page.getByLabel("Connection", { exact: true }).selectOption("tried-wrong");
    await page.getByRole("button", { name: "Send" }).click();
    await answer(page).getByText("The API does not take the credential").waitFor();
    await assertGood(page, "try-refused");
    assertQuiet(faults);
    await context.close();
  });

  test("goes by a tenant's credentials, or by the test credentials of an embedded connection", async () => {
    await prepare("many", { "many-embedded": { embedded: true, test_credentials: { key: GOOD_KEY } } });
    await attache.send("PUT", "connections/many-embedded/activations/acme", { credentials: { key: WRONG_KEY } });
    const { context, page, faults } = await openConsole(browser, attache, { path: "/connectors/many/try/list-pets" });
    await heading(page, "List the pets").waitFor();
    await page.getByLabel("The test credentials").waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("choose whose credentials go on the request").waitFor();
    await assertGood(page, "try-whose");
    await page.getByLabel("Tenant", { exact: true }).selectOption("acme");
    await page.getByRole("button", { name: "Send" }).click();
    await answer(page).getByText("The API does not take the credential").waitFor();
    assert.equal(asked.at(-1).key, WRONG_KEY);
    await page.getByLabel("The test credentials").check();
    await page.getByRole("button", { name: "Send" }).click();
    await answer(page).getByText('"Rex"').waitFor();
    assert.equal(asked.at(-1).key, GOOD_KEY);
    assertQuiet(faults);
    await context.close();
  });

  test("says what a picture is instead of showing its bytes, and keeps a path that is not listed", async () => {
    await prepare("free", { "free-one": { credentials: { key: GOOD_KEY } } });
    const { context, page, faults } = await openConsole(browser, attache, { path: "/connectors/free/try/picture" });
    await heading(page, "The picture").waitFor();
    await page.getByRole("button", { name: "Send" }).click();
    await answer(page).getByText("An image (image/png)").waitFor();
    await page.getByLabel("Path", { exact: true }).fill("/owners");
    await page.getByRole("button", { name: "Send" }).click();
    await answer(page).getByText('"Rex"').waitFor();
    await page.getByRole("button", { name: "Keep it as an endpoint" }).click();
    await page.getByText("GET /owners is listed among the endpoints now.").waitFor();
    const { endpoints } = await attache.send("GET", "connectors/free");
    assert.equal(endpoints["get-owners"].path, "/owners");
    assertQuiet(faults);
    await context.close();
  });
});

describe("a connector", () => {
  test("shows its methods with who pins which revision, and an edit makes another", async () => {
    await prepare("kept", { "kept-one": { credentials: { key: GOOD_KEY } } });
    const { context, page, faults } = await openConsole(browser, attache, { path: "/connectors/kept" });
    await page.getByText("kept-one").first().waitFor();
    await assertGood(page, "connector-connections");
    await page.getByRole("tab", { name: /Endpoints/ }).click();
    await page.getByLabel("Search by method, path, name or tag").fill("picture");
    await page.getByRole("link", { name: "Try it: GET /picture" }).waitFor();
    await page.getByRole("link", { name: "Try it: GET /pets", exact: true }).waitFor({ state: "detached" });
    await assertGood(page, "connector-endpoints");
    await page.getByRole("tab", { name: /Auth methods/ }).click();
    await page.getByText("Pinned by").waitFor();
    await assertGood(page, "connector-auth");
    await page.getByRole("link", { name: "Edit Shop key" }).click();
    await page.getByText("Saving makes revision 2").waitFor();
    await page.getByLabel("Description").fill("Under Settings, API.");
    await assertGood(page, "connector-method");
    await page.getByRole("button", { name: "Save as another revision" }).click();
    await page.getByText("Revision 2", { exact: true }).waitFor();
    const { revision } = await attache.send("GET", "connections/kept-one");
    assert.equal(revision, 1, "the connection keeps the one that it pins");
    assertQuiet(faults);
    await context.close();
  });

  test("tells who is affected before it is changed, and moves credentials only for whoever insists", async () => {
    await prepare("moved", { "moved-one": { credentials: { key: GOOD_KEY } } });
    const { context, page, faults } = await openConsole(browser, attache, { path: "/connectors/moved/edit" });
    await page.getByLabel("Base URL").fill("https://elsewhere.example");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("dialog").getByText("Stored credentials would go elsewhere").waitFor();
    await assertGood(page, "connector-affected");
    await page.getByRole("button", { name: "Back to the form" }).click();
    assert.equal((await attache.send("GET", "connectors/moved")).base_url, base(), "nothing is changed yet");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("button", { name: "Save it all the same" }).click();
    await page.getByRole("tab", { name: "About", selected: true }).waitFor();
    assert.equal((await attache.send("GET", "connectors/moved")).base_url, "https://elsewhere.example");
    await assertGood(page, "connector-about");
    assertQuiet(faults);
    await context.close();
  });

  test("is deleted once it is said what breaks, its key typed where something does", async () => {
    await prepare("gone", { "gone-one": { credentials: { key: GOOD_KEY } } });
    const { context, page, faults } = await openConsole(browser, attache, { path: "/connectors/gone" });
    await page.getByRole("button", { name: "More acts" }).click();
    await page.getByRole("menuitem", { name: "Delete it" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("link", { name: "gone-one" }).waitFor();
    await assertGood(page, "connector-delete");
    const act = dialog.getByRole("button", { name: "Delete it, and break these" });
    assert.ok(await act.isDisabled());
    await dialog.getByLabel(/Type gone/).fill("gone");
    await act.click();
    await heading(page, "Connectors").waitFor();
    assert.equal((await attache.ask("GET", "connectors/gone")).status, 404);
    assertQuiet(faults);
    await context.close();
  });

  test("is looked at by a viewer, who can do nothing to it", async () => {
    await prepare("seen", { "seen-one": { credentials: { key: GOOD_KEY } } });
    const { token } = await attache.send("POST", "tokens", { key: "looks-on", role: "viewer" });
    const { context, page, faults } = await openConsole(browser, attache, { token, path: "/connectors/seen" });
    await page.getByText("seen-one").first().waitFor();
    for (const name of ["+ New connection", "Edit", "Try it"]) {
      assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0, name);
    }
    await visit(page, "/connectors/seen/try", "Try Shop seen");
    await page.getByText("Trying out takes the role operator").waitFor();
    await visit(page, "/new/connector", "New connector");
    await page.getByText("This takes the role operator").waitFor();
    await visit(page, "/connectors", "Connectors");
    await page.getByRole("link", { name: "Shop seen" }).waitFor();
    await assertGood(page, "connectors-list");
    assertQuiet(faults);
    await context.close();
  });
});
