import { beforeEach, expect, test, vi } from "vitest";

const kept = new Map<string, string>();
const went: string[] = [];
Object.assign(globalThis, {
  location: { origin: "http://console.test", assign: (url: string) => went.push(url) },
  sessionStorage: {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  },
});
const asked: { path: string; body: unknown }[] = [];
vi.stubGlobal("fetch", async (request: Request) => {
  asked.push({ path: new URL(request.url).pathname, body: await request.json() });
  return Response.json({ url: "https://provider.test/ask", state: "s1", expires_at: "" });
});
const { beginConsent, beginTenantsConsent, finishConsent, takeBegun } = await import("./consenting");

const { setCsrf } = await import("~/api/client");
setCsrf("what the page was told");

const back = (state: string) => new URL(`http://console.test/consent?code=c&state=${state}`);

beforeEach(() => {
  kept.clear();
  asked.length = 0;
  went.length = 0;
});

test("a tenant's consent comes back to the tenant's activation", async () => {
  await beginTenantsConsent("crm", "acme/eu");
  expect(asked[0]).toEqual({
    path: "/v1/connections/crm/activations/acme%2Feu/authorize",
    body: { redirect_uri: "http://console.test/consent" },
  });
  expect(went).toEqual(["https://provider.test/ask"]);
  const begun = takeBegun(back("s1"));
  expect(begun).toEqual({ connection: "crm", tenant: "acme/eu", state: "s1", test: false });
  if (begun) await finishConsent(begun, back("s1").href, true);
  expect(asked[1]).toEqual({
    path: "/v1/connections/crm/activations/acme%2Feu/callback",
    body: { url: back("s1").href, state: "s1", confirm_account: true },
  });
});

test("a connection's own comes back to the connection, and only once", async () => {
  await beginConsent("crm", "browser", true);
  expect(takeBegun(back("another"))).toBeUndefined();
  const begun = takeBegun(back("s1"));
  expect(begun).toEqual({ connection: "crm", state: "s1", test: true });
  expect(takeBegun(back("s1"))).toBeUndefined();
  if (begun) await finishConsent(begun, back("s1").href);
  expect(asked[1]).toEqual({
    path: "/v1/connections/crm/callback",
    body: { url: back("s1").href, state: "s1", test: true },
  });
});
