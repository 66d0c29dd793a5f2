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

/** How long to wait before the n-th try, counted from 0. */
export function wait(tries: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** tries, LONGEST_WAIT_MS);
}

interface Follower {
  onEvent: (sent: Sent) => void;
  onState: (state: "open" | "lost", error?: unknown) => void;
}

/**
 * Follows a stream until it is told to stop, and begins anew where it breaks off. By `fetch` and not by `EventSource`,
 * which can't send what proves that the request is this page's.
 */
export function follow(path: string, { onEvent, onState }: Follower): () => void {
  const stop = new AbortController();
  const run = async () => {
    for (let tries = 0; !stop.signal.aborted; tries += 1) {
      try {
        const response = await raw(path, { signal: stop.signal, headers: { Accept: "text/event-stream" } });
        const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        if (!body) return;
        onState("open");
        tries = 0;
        const parser = new Parser();
        for (;;) {
          const { value, done } = await body.read();
          if (done) break;
          for (const sent of parser.take(value)) onEvent(sent);
        }
        onState("lost");
      } catch (error) {
        if (stop.signal.aborted) return;
        onState("lost", error);
        // What is refused is refused again, but for what passes.
        if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) return;
      }
      await new Promise((done) => setTimeout(done, wait(tries)));
    }
  };
  void run();
  return () => stop.abort();
}
