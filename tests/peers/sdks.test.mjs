// Official SDKs that can set a base URL and a token, unmodified: the caller key stands in the token's place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Octokit } from "@octokit/core";
import { WebClient } from "@slack/web-api";
import Stripe from "stripe";
import { onlySeen, scene, seen } from "./support/scene.mjs";

const { proxy, callerKey, credentials } = scene;
const [host, port] = proxy.replace("http://", "").split(":");

test("octokit reads a user with a path tag and the caller key as its token", async () => {
  const octokit = new Octokit({ baseUrl: `${proxy}/c/github`, auth: callerKey });
  const answer = await octokit.request("GET /user");
  assert.equal(answer.data.login, "octocat");
  assert.ok(answer.headers["attache-request-id"]);
  assert.equal(answer.headers["attache-from-upstream"], undefined);
  const { headers, url } = await onlySeen("/github");
  assert.equal(headers.authorization, `Bearer ${credentials.github}`);
  assert.equal(url, "/github/user");
});

test("octokit's encoded path parameters and query arrive as it sent them", async () => {
  const octokit = new Octokit({ baseUrl: `${proxy}/c/github`, auth: callerKey });
  await octokit.request("GET /repos/{owner}/{repo}/contents/{path}", { owner: "o", repo: "r", path: "a b/ü.txt", ref: "x/y&z" });
  const { url } = await onlySeen("/github");
  assert.equal(url, "/github/repos/o/r/contents/a%20b%2F%C3%BC.txt?ref=x%2Fy%26z");
});

test("octokit reads attache's own answer to an unknown key as the 401 that it is", async () => {
  const octokit = new Octokit({ baseUrl: `${proxy}/c/github`, auth: "not-a-caller-key-at-all" });
  await assert.rejects(octokit.request("GET /user"), (error) => {
    assert.equal(error.status, 401);
    assert.equal(error.response.headers["attache-error"], "caller_unauthenticated");
    assert.equal(JSON.parse(Buffer.from(error.response.data)).code, "caller_unauthenticated");
    return true;
  });
  assert.deepEqual(await seen("/github"), []);
});

// Stripe's SDK takes a host and a port but no path in front, so the tags go as headers.
const stripe = (key) =>
  new Stripe(key, { protocol: "http", host, port: Number(port), maxNetworkRetries: 0, telemetry: false });

test("stripe creates a customer with tag headers, and its own key is replaced", async () => {
  const tags = { "Attache-Connection": "stripe", "Attache-Key": callerKey };
  const client = new Stripe("sk_test_the_callers_own", {
    protocol: "http", host, port: Number(port), maxNetworkRetries: 0, telemetry: false,
    httpClient: Stripe.createFetchHttpClient((url, init) => {
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(tags)) headers.set(name, value);
      return fetch(url, { ...init, headers });
    }),
  });
  const customer = await client.customers.create({ email: "a@b.test", metadata: { order: "7" } });
  assert.equal(customer.id, "cus_1");
  const { headers, method, bytes } = await onlySeen("/stripe");
  assert.equal(method, "POST");
  assert.equal(headers.authorization, `Bearer ${credentials.stripe}`);
  assert.equal(bytes.toString(), "email=a%40b.test&metadata[order]=7");
  assert.ok(headers["idempotency-key"] || headers["stripe-version"]);
});

test("stripe's raw request reaches a path tag with the caller key as its secret key", async () => {
  const answer = await stripe(callerKey).rawRequest("POST", "/c/stripe/v1/customers", { email: "a@b.test" });
  assert.equal(answer.id, "cus_1");
  const { headers } = await onlySeen("/stripe");
  assert.equal(headers.authorization, `Bearer ${credentials.stripe}`);
});

// Stripe's SDK raises only what carries an `error` object of Stripe's own; any other answer it hands on.
test("stripe hands on attache's refusal with its status and code", async () => {
  const answer = await stripe("not-a-caller-key-at-all").rawRequest("POST", "/c/stripe/v1/customers", {});
  assert.equal(answer.code, "caller_unauthenticated");
  assert.equal(answer.lastResponse.statusCode, 401);
  assert.equal(answer.lastResponse.headers["attache-error"], "caller_unauthenticated");
  assert.deepEqual(await seen("/stripe"), []);
});

test("slack's web client calls two methods with a path tag and the caller key as its token", async () => {
  const slack = new WebClient(callerKey, { slackApiUrl: `${proxy}/c/slack/`, retryConfig: { retries: 0 } });
  assert.equal((await slack.auth.test()).user, "bot");
  assert.equal((await onlySeen("/slack")).headers.authorization, `Bearer ${credentials.slack}`);
  assert.equal((await slack.chat.postMessage({ channel: "C1", text: "grüß dich & <b>" })).ts, "1.2");
  const { headers, bytes, url } = await onlySeen("/slack");
  assert.equal(url, "/slack/api/chat.postMessage");
  assert.equal(headers.authorization, `Bearer ${credentials.slack}`);
  assert.equal(new URLSearchParams(bytes.toString()).get("text"), "grüß dich & <b>");
});
