/** The durations of an exchange, in ms. */
export interface Durations {
  total: number;
  queue: number;
  credential: number;
  dial: number;
  tls: number;
  first_byte: number;
  overhead: number;
}

export interface Phase {
  key: keyof Omit<Durations, "total"> | "rest";
  label: string;
  about: string;
  ms: number;
  /** Of the total, 0 to 1. */
  share: number;
}

const STEPS: [Phase["key"], string, string][] = [
  ["overhead", "attache", "attache's own work"],
  ["queue", "Limit", "waiting for a place under a limit"],
  ["credential", "Credential", "waiting for a credential, or a new token"],
  ["dial", "Connect", "opening a link to the API"],
  ["tls", "TLS", "the handshake"],
  ["first_byte", "API", "the API's own time until its answer began"],
  ["rest", "Body", "the rest of the answer, as it was read"],
];

/** Where the time of an exchange went, in the order of its steps: what took none is left out. */
export function phasesOf(times: Durations): Phase[] {
  const known = times.queue + times.credential + times.dial + times.tls + times.first_byte + times.overhead;
  const rest = Math.max(0, times.total - known);
  const whole = Math.max(times.total, known);
  return STEPS.map(([key, label, about]) => {
    const ms = key === "rest" ? rest : times[key];
    return { key, label, about, ms, share: whole > 0 ? ms / whole : 0 };
  }).filter((it) => it.ms > 0);
}

/** A duration as people read it: `0.42 ms`, `12 ms`, `1.8 s`. */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}
