import type { Connection, GrantView } from "~/api/schema";
import { ago } from "~/kit/text";
import type { Tone } from "~/kit/told";

/** How a connection is, in a word, and what to do about it in a sentence. */
export interface Health {
  tone: Tone;
  word: string;
  line: string;
}

const FINE: Health = { tone: "good", word: "Ready", line: "Requests go through it." };

/** The worst that is known of it: its own status first, then that of its tokens. */
export function healthOf(connection: Connection): Health {
  const status = connection.status;
  switch (status) {
    case "disabled":
      return { tone: "dim", word: "Disabled", line: "Its requests are refused until it is switched on again." };
    case "not_activated":
      return {
        tone: "info",
        word: "No tenant yet",
        line: "Tenants bring the credentials. Activate one, or send a connect link: until then its requests are refused.",
      };
    case "waiting_for_secret":
      return {
        tone: "warn",
        word: "Waiting for its secret",
        line: `The sender hands its webhook secret over by itself. Set the webhook up there now${connection.waits_until ? `: the wait ends ${ago(connection.waits_until)}` : ""}.`,
      };
    case "origin_changed":
      return {
        tone: "bad",
        word: "Origin changed",
        line: "It leads elsewhere than where its credentials were entered for, so they are not sent. Confirm the new place, or enter them anew.",
      };
    case "unsound":
      return {
        tone: "bad",
        word: "Not served",
        line: "Something that it is made of is missing or wrong: its connector, its auth method, its base URL or its credentials.",
      };
    case "ready":
    case undefined:
      return grantHealth(connection.grant ?? undefined) ?? FINE;
  }
}

/** What there is to say of its tokens; nothing where they are well. */
export function grantHealth(grant: GrantView | undefined): Health | undefined {
  switch (grant?.state) {
    case "reauthorization_required":
      // What was there and was refused is another matter, even where it never was of use here.
      if (!grant.last_renewed_at && !grant.since) {
        return {
          tone: "warn",
          word: "Not connected",
          line: "Whoever owns the account has to consent at the provider. Until then its requests are answered 424.",
        };
      }
      return {
        tone: "bad",
        word: "Reconnect",
        line: `Nothing but a person's consent brings it back${grant.why ? `: ${grant.why}` : ""}. Its requests are answered 424.`,
      };
    case "revoked":
      return { tone: "bad", word: "Revoked", line: "Its tokens were ended here. Connect it again to use it." };
    case "failing":
      return {
        tone: "warn",
        word: "Renewal fails",
        line: `No new token can be had right now${grant.why ? `: ${grant.why}` : ""}. The present one goes on being used${grant.expires_at ? `, it ends ${ago(grant.expires_at)}` : ""}.`,
      };
    case "expiring":
      return {
        tone: "warn",
        word: "Ends soon",
        line: `Its token ends${grant.expires_at ? ` ${ago(grant.expires_at)}` : ""}, and nothing renews it: connect it again before that.`,
      };
    case "active":
    case undefined:
      return undefined;
  }
}

export const STATES = [
  ["ready", "Ready"],
  ["disabled", "Disabled"],
  ["not_activated", "No tenant yet"],
  ["waiting_for_secret", "Waiting for its secret"],
  ["origin_changed", "Origin changed"],
  ["unsound", "Not served"],
] as const;
