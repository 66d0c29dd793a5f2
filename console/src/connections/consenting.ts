import { json } from "~/api/client";
import { onceKey } from "~/api/once";
import { part } from "~/api/pages";
import type { Asked } from "~/api/schema";
import { act } from "./acts";
import { consoleRedirect } from "./redirect-uri";

/** What is known of a consent that was begun here: it is kept by this window, until it comes back. */
export interface Begun {
  connection: string;
  /** Whose it is, where it is not the connection's own. */
  tenant?: string;
  state: string;
  test: boolean;
}

const KEPT = "attache-consent";

type InBrowser = Extract<Asked, { url: string }>;
export type OnDevice = Exclude<Asked, InBrowser>;

/** Begins a consent: in a browser one leaves for the provider, on another device it is told what to type there. */
export async function beginConsent(
  connection: string,
  way: "browser" | "device",
  test = false,
): Promise<OnDevice | undefined> {
  const asked = await act<Asked>(connection, "authorize", {
    ...(way === "browser" && { redirect_uri: consoleRedirect() }),
    ...(test && { test: true }),
  });
  if (!("url" in asked)) return asked;
  leave({ connection, state: asked.state, test }, asked.url);
  return undefined;
}

/** The same for a tenant's activation. */
export async function beginTenantsConsent(connection: string, tenant: string): Promise<void> {
  const path = `/v1/connections/${part(connection)}/activations/${part(tenant)}/authorize`;
  const headers = { "Idempotency-Key": onceKey() };
  const { state, url } = await json<InBrowser>("POST", path, { redirect_uri: consoleRedirect() }, headers);
  leave({ connection, tenant, state, test: false }, url);
}

/** Goes to the provider, and keeps what has to be known when it sends the browser back. */
function leave(begun: Begun, url: string) {
  if (!/^https?:$/.test(new URL(url).protocol)) throw new Error(`Nobody consents at ${url}`);
  sessionStorage.setItem(KEPT, JSON.stringify(begun));
  location.assign(url);
}

/** What came back with it is told to the API. `takes`: also where it is another account's than before. */
export function finishConsent(
  { connection, tenant, state, test }: Begun,
  url: string,
  takes = false,
): Promise<unknown> {
  const of = `/v1/connections/${part(connection)}${tenant === undefined ? "" : `/activations/${part(tenant)}`}`;
  const body = { url, state, ...(test && { test }), ...(takes && { confirm_account: true }) };
  return json("POST", `${of}/callback`, body, { "Idempotency-Key": onceKey() });
}

/** The consent that came back with this address, once: one that was not begun in this window is not taken. */
export function takeBegun(address: URL): Begun | undefined {
  const kept = sessionStorage.getItem(KEPT);
  if (!kept) return undefined;
  const begun = JSON.parse(kept) as Begun;
  const came =
    address.searchParams.get("state") ?? address.searchParams.get("oauth_token") ?? address.searchParams.get("denied");
  if (came !== begun.state) return undefined;
  sessionStorage.removeItem(KEPT);
  return begun;
}
