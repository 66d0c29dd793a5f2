// A request exactly as it was put together, repeated headers and all, and a target that keeps what it is sent.
import { Agent, createServer, request as http } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** What is answered: status, attache's code, headers and the body's bytes. */
export function send(address, { method, hook, headers, body }) {
  const [host, port] = address.split(":");
  const flat = [["host", "hooks.example.com"], ["content-length", String(body?.length ?? 0)], ...headers].flat();
  return new Promise((done, fail) => {
    const asked = http({ agent, host, port, method, path: hook, headers: flat, setHost: false }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", fail);
      answer.on("end", () => {
        const { statusCode: status, headers } = answer;
        done({ status, headers, error: headers["attache-error"], body: Buffer.concat(parts) });
      });
    });
    asked.on("error", fail);
    asked.end(body);
  });
}

/** Ends the links to attache, so that it need not wait for them. */
export const hangUp = () => agent.destroy();

/** A server that says 202 to everything and remembers it. */
export class Target {
  records = [];

  static async start() {
    const target = new Target();
    target.server = createServer((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        target.records.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts) });
        response.writeHead(202).end("taken");
      });
    });
    await new Promise((done) => target.server.listen(0, "127.0.0.1", done));
    target.url = `http://127.0.0.1:${target.server.address().port}`;
    return target;
  }

  /** What has arrived under a path since it was last asked for. */
  taken(under) {
    const ours = this.records.filter((it) => it.url.split(/[?/]/)[1] === under);
    this.records = this.records.filter((it) => !ours.includes(it));
    return ours;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }
}
