// WebSockets: client and server are `ws`; the opening handshake is authenticated like any request.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { assertClean, onlySeen, scene, seen } from "./support/scene.mjs";

const base = scene.proxy.replace("http://", "ws://");

async function open(url, protocols, options) {
  const socket = new WebSocket(url, protocols, options);
  await once(socket, "open");
  return socket;
}

async function echo(socket, data) {
  const answer = once(socket, "message");
  socket.send(data);
  const [got, binary] = await answer;
  return binary ? got : got.toString();
}

test("a socket opens by path tag, carries the credential upstream, and echoes text and bytes", async () => {
  const socket = await open(`${base}/c/socket/chat?room=1`, ["v2.chat"], {
    headers: { authorization: `Bearer ${scene.callerKey}` },
  });
  assert.equal(socket.protocol, "v2.chat");
  const { headers, url } = await onlySeen("/socket");
  assert.equal(url, "/socket/chat?room=1");
  assert.equal(headers.authorization, `Bearer ${scene.credentials.socket}`);
  assert.equal(headers["sec-websocket-protocol"], "v2.chat");
  assert.equal(await echo(socket, "grüße"), "grüße");
  const big = Buffer.alloc(3 << 20, "attache ");
  assert.ok(big.equals(await echo(socket, big)));
  const closed = once(socket, "close");
  socket.close(4001, "done");
  assert.equal((await closed)[0], 4001);
});

test("a socket opens by tag headers", async () => {
  const socket = await open(`${base}/chat`, [], {
    headers: { "Attache-Connection": "socket", "Attache-Key": scene.callerKey },
  });
  const opened = (await seen("/socket/chat")).filter((it) => it.method === "GET");
  assert.equal(opened.length, 1);
  assertClean(opened[0]);
  assert.equal(await echo(socket, "again"), "again");
  socket.terminate();
});

test("a handshake without a caller key is refused with 401", async () => {
  const socket = new WebSocket(`${base}/c/socket/chat`);
  const [, answer] = await once(socket, "unexpected-response");
  socket.on("error", () => {});
  assert.equal(answer.statusCode, 401);
  assert.equal(answer.headers["attache-error"], "caller_unauthenticated");
  socket.terminate();
});
