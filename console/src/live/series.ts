import type { Traffic, TrafficPoint } from "~/api/schema";

/** Of a step less than this is known: a rate made of it says nothing. */
const PART_MIN = 0.5;

/** How much of a step has been seen, in seconds: not what was before `since`, nor what is to come. */
function seenOf(begin: number, stepS: number, since: number, now: number): number {
  return Math.max(0, Math.min(begin + stepS, now) - Math.max(begin, since));
}

/** Numbers a second, step by step; null where too little of a step is known. Times are in seconds since 1970. */
export function rates(traffic: Traffic, now: number, of: (point: TrafficPoint) => number): (number | null)[] {
  const since = seconds(traffic.since);
  return traffic.points.map((it) => {
    const seen = seenOf(seconds(it.time), traffic.step_s, since, now);
    return seen < traffic.step_s * PART_MIN ? null : of(it) / seen;
  });
}

/** From when on something is known, where that is not all of the time that is drawn. */
export function knownSince(traffic: Traffic): string | undefined {
  const first = traffic.points[0];
  return first && seconds(traffic.since) >= seconds(first.time) + traffic.step_s ? traffic.since : undefined;
}

export function seconds(time: string): number {
  return new Date(time).getTime() / 1000;
}
