import type { Asked } from "~/api/schema";
import { act } from "./acts";
import { consoleRedirect } from "./redirect-uri";

/** What is known of a consent that was begun here: it is kept by this window, until it comes back. */
export interface Begun {
  connection: string;
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
  if (!/^https?:$/.test(new URL(asked.url).protocol)) throw new Error(`Nobody consents at ${asked.url}`);
  sessionStorage.setItem(KEPT, JSON.stringify({ connection, state: asked.state, test } satisfies Begun));
  location.assign(asked.url);
  return undefined;
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
