import { Badge, type Tone } from "~/kit/told";

const BLAMED: Record<string, string> = { caller: "the caller", attache: "attache", upstream: "the API" };

/** A status with how it is to be taken, and whose fault it was. */
export function Outcome({ status, source }: { status: number; source?: string | null | undefined }) {
  const tone: Tone = status >= 500 ? "bad" : status >= 400 ? "warn" : status >= 200 ? "good" : "dim";
  return (
    <span className="inline-flex flex-wrap items-center gap-1.5">
      <Badge tone={tone}>{status}</Badge>
      {source && <span className="text-xs text-dim">{BLAMED[source] ?? source}</span>}
    </span>
  );
}

/** What an error's code means, and what to do about it (docs/contract.md). */
const MEANINGS: Record<string, string> = {
  untagged: "The request names no connection. Send Attache-Connection, or an environment and a connector.",
  ambiguous_tags: "The request has two tags that say different things. Send one.",
  invalid_tag: "A tag is malformed. Keys are lower case letters, digits, dots, dashes and underscores.",
  tenant_required: "The connection is embedded. Say whose request it is with Attache-Tenant.",
  path_escapes_base: "The path leads out of the base URL, which is never allowed.",
  caller_unauthenticated: "The caller key is missing or unknown. Settings, Callers has those that there are.",
  caller_forbidden: "The caller may use the connection, but not for this tenant, environment, method or path.",
  connection_not_found: "No such connection, or the caller may not see it.",
  environment_not_found: "No such environment, or the caller may not see it.",
  connector_not_assigned: "The environment assigns no connection to this connector. Assign one under Environments.",
  activation_not_found: "The tenant is not activated under this connection. Activate it under Users.",
  embedded_not_activated: "Nobody is activated under this embedded connection yet.",
  connection_disabled: "The connection is switched off.",
  base_url_forbidden: "Attache-Base-Url names an origin that the connection does not allow.",
  destination_forbidden: "The egress guard refuses the address. Private networks have to be allowed (egress.allow).",
  reauthorization_required: "The grant is dead: a person has to connect again.",
  credential_unavailable: "There is no live token, and renewing it failed for now. It is tried again.",
  body_too_large_to_sign: "The signature needs the whole body, and it is over the limit (upstream.signing).",
  rate_limited: "A limit of attache's own was reached.",
  overloaded: "More bodies were to be held than memory is set aside for.",
  upstream_connect: "The API could not be reached.",
  upstream_tls: "No TLS with the API: its certificate is not sound, or another name's.",
  upstream_protocol: "The API answered with something that is no HTTP.",
  upstream_timeout: "The API did not answer in time.",
  circuit_open: "The API failed again and again, and has a pause. It is tried again by itself.",
  internal: "A fault of attache's own. The log has it under the request's id.",
};

export function meaning(code: string): string | undefined {
  return MEANINGS[code];
}
