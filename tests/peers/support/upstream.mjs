// The far end: an API, a webhook receiver, a WebSocket and a gRPC server that write down what reached them.
//
//   node upstream.mjs <addresses file> <certificate> <key>
//
// The recording is read and emptied by `GET /__seen?under=/prefix`, straight from the tests, never through attache.
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import grpc from "@grpc/grpc-js";
import { WebSocketServer } from "ws";
import { greeter } from "./greeter.mjs";

const [addressesFile, certificateFile, keyFile] = process.argv.slice(2);
let records = [];

/** Answers the way the imitated API does, where its SDK looks at the answer. */
const answers = {
  "/github/user": () => ({ login: "octocat", id: 1 }),
  "/stripe/v1/customers": () => ({ id: "cus_1", object: "customer", email: "a@b.test" }),
  "/slack/api/auth.test": () => ({ ok: true, user: "bot", team: "T1" }),
  "/slack/api/chat.postMessage": () => ({ ok: true, ts: "1.2", channel: "C1" }),
};

function record(request, body) {
  const it = {
    http: request.httpVersion,
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(":"))),
    body: body.toString("base64"),
    trailers: { ...request.trailers },
  };
  records.push(it);
  return it;
}

function serve(request, response) {
  const url = new URL(request.url, "http://upstream");
  if (url.pathname === "/__seen") {
    const under = url.searchParams.get("under");
    const ours = records.filter((it) => it.url.startsWith(under));
    records = records.filter((it) => !it.url.startsWith(under));
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify(ours));
  }
  if (url.pathname.endsWith("/events")) {
    record(request, Buffer.alloc(0));
    return sendEvents(response);
  }
  const parts = [];
  const hash = createHash("sha256");
  let length = 0;
  request.on("data", (part) => {
    hash.update(part);
    length += part.length;
    if (length <= 1 << 20) parts.push(part);
  });
  request.on("error", () => {});
  request.on("end", () => {
    const it = record(request, length <= 1 << 20 ? Buffer.concat(parts) : Buffer.alloc(0));
    if (url.pathname.startsWith("/hooks/")) {
      response.statusCode = 202;
      return response.end("taken");
    }
    const size = Number(url.searchParams.get("bytes") ?? 0);
    if (size) return sendBytes(response, size);
    response.setHeader("content-type", "application/json");
    response.setHeader("x-upstream", "yes");
    response.setHeader("attache-from-upstream", "never passes");
    const answer = answers[url.pathname]?.() ?? { ...it, body: undefined, length, sha256: hash.digest("hex") };
    response.end(JSON.stringify(answer));
  });
}

/** One event, then the second only when the first was read: the test asks for it with a request of its own. */
const waiting = [];
function sendEvents(response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("data: first\n\n");
  waiting.push(() => response.end("data: second\n\n"));
}

function sendBytes(response, size) {
  const piece = Buffer.alloc(1 << 16, "attache ");
  let left = size;
  const more = () => {
    while (left > 0) {
      const part = piece.subarray(0, Math.min(left, piece.length));
      left -= part.length;
      if (!response.write(part)) return response.once("drain", more);
    }
    response.end();
  };
  more();
}

const plain = createServer((request, response) => {
  if (request.url === "/__next_event") {
    waiting.shift()?.();
    return response.end();
  }
  serve(request, response);
});
const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] });
plain.on("upgrade", (request, socket, head) => {
  record(request, Buffer.alloc(0));
  sockets.handleUpgrade(request, socket, head, (link) => {
    link.on("message", (data, binary) => link.send(data, { binary }));
    link.on("close", (code) => record({ ...request, httpVersion: "1.1", method: "CLOSE", url: `${request.url}/closed/${code}`, headers: {} }, Buffer.alloc(0)));
  });
});

const certificate = readFileSync(certificateFile);
const key = readFileSync(keyFile);
const secure = createSecureServer({ cert: certificate, key, allowHTTP1: true }, serve);

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
const bind = (credentials) => {
  const server = new grpc.Server();
  server.addService(greeter.service, greeter.implementation);
  return new Promise((done, fail) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? fail(error) : done(port))),
  );
};

const addresses = {
  plain: await listen(plain),
  secure: await listen(secure),
  grpc: await bind(grpc.ServerCredentials.createInsecure()),
  grpcs: await bind(grpc.ServerCredentials.createSsl(null, [{ cert_chain: certificate, private_key: key }])),
};
writeFileSync(`${addressesFile}.new`, JSON.stringify(addresses));
renameSync(`${addressesFile}.new`, addressesFile);
