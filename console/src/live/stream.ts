import { raw } from "~/api/client";
import { ApiError } from "~/api/problem";

/** One event of a stream of server-sent events (WHATWG HTML §9.2). */
export interface Sent {
  event: string;
  data: string;
}

/** Takes a stream in pieces, wherever they were cut, and gives the events that are complete. */
export class Parser {
  private rest = "";
  private event = "";
  private data: string[] = [];

  take(piece: string): Sent[] {
    const sent: Sent[] = [];
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) sent.push({ event: this.event || "message", data: this.data.join("\n") });
        this.event = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") this.event = value;
      else if (name === "data") this.data.push(value);
    }
    return sent;
  }
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** A stream that lasted so long was a sound one: the next try waits no longer than the first. */
const SOUND_MS = 10_000;

/** How long to wait before the n-th try, counted from 0; `spread`, from 0 to 1, keeps pages from coming all at once. */
export function wait(tries: number, spread = Math.random()): number {
  return Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS) * (1 + spread / 4);
}

/** Refused is what is not tried again. */
export type Followed = "open" | "lost" | "refused";

/** Whether it is of no use to ask once more: what is refused is refused again, but for what passes. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

interface Follower {
  onEvent: (sent: Sent) => void;
  onState: (state: Followed, error?: unknown) => void;
}

/**
 * Follows a stream until it is told to stop, and begins anew where it breaks off. By `fetch` and not by `EventSource`,
 * which can't send what proves that the request is this page's.
 */
export function follow(path: string, { onEvent, onState }: Follower): () => void {
  const stop = new AbortController();
  const run = async () => {
    for (let tries = 0; !stop.signal.aborted; tries += 1) {
      const began = Date.now();
      try {
        const response = await raw(path, { signal: stop.signal, headers: { Accept: "text/event-stream" } });
        const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        if (!body) return;
        onState("open");
        const parser = new Parser();
        for (;;) {
          const { value, done } = await body.read();
          if (done) break;
          for (const sent of parser.take(value)) onEvent(sent);
        }
        if (stop.signal.aborted) return;
        onState("lost");
      } catch (error) {
        if (stop.signal.aborted) return;
        if (isFinal(error)) return onState("refused", error);
        onState("lost", error);
      }
      if (Date.now() - began >= SOUND_MS) tries = 0;
      await new Promise((done) => setTimeout(done, wait(tries)));
    }
  };
  void run();
  return () => stop.abort();
}
