// gRPC end to end over HTTP/2: client and server are @grpc/grpc-js, attache stands between.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import grpc from "@grpc/grpc-js";
import { greeter } from "./support/greeter.mjs";
import { scene } from "./support/scene.mjs";

const unary = (client, name, request, metadata, options = {}) =>
  new Promise((done) => {
    const trailers = {};
    const call = client[name](request, metadata, options, (error, answer) => {
      setImmediate(() => done({ error, answer, trailers }));
    });
    call.on("status", (status) => Object.assign(trailers, status.metadata.getMap()));
  });

for (const connection of ["grpc", "grpcs"]) {
  describe(`gRPC through the connection ${connection}`, () => {
    const client = new greeter.Client(scene.proxy.replace("http://", ""), grpc.credentials.createInsecure());
    after(() => client.close());
    const tags = () => {
      const metadata = new grpc.Metadata();
      metadata.set("attache-connection", connection);
      metadata.set("attache-key", scene.callerKey);
      metadata.set("x-kept", "yes");
      return metadata;
    };

    test("a unary call carries the credential, no tag, and its trailers come back", async () => {
      const { error, answer, trailers } = await unary(client, "Say", { hello: "wörld" }, tags());
      assert.equal(error, null);
      assert.deepEqual(answer.said, { hello: "wörld" });
      assert.equal(answer.metadata.authorization, `Bearer ${scene.credentials.grpc}`);
      assert.equal(answer.metadata["x-kept"], "yes");
      assert.deepEqual(Object.keys(answer.metadata).filter((it) => it.startsWith("attache")), []);
      assert.ok(!JSON.stringify(answer).includes(scene.callerKey));
      assert.equal(trailers["x-trailer"], "at the end");
    });

    test("a status other than OK arrives with its text and metadata", async () => {
      const { error } = await unary(client, "Fail", {}, tags());
      assert.equal(error.code, grpc.status.FAILED_PRECONDITION);
      assert.equal(error.details, "not in this state");
      assert.deepEqual(error.metadata.get("x-why"), ["because"]);
    });

    test("a deadline ends a call that is never answered", async () => {
      const { error } = await unary(client, "Wait", {}, tags(), { deadline: Date.now() + 300 });
      assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
    });

    test("a server's stream arrives whole and in order", async () => {
      const got = [];
      for await (const { it } of client.Count({ to: 2000 }, tags())) got.push(it);
      assert.deepEqual(got, Array.from({ length: 2000 }, (_, it) => it + 1));
    });

    test("a client's stream is summed up", async () => {
      const answer = await new Promise((done, fail) => {
        const call = client.Sum(tags(), (error, it) => (error ? fail(error) : done(it)));
        for (let it = 1; it <= 1000; it += 1) call.write({ it });
        call.end();
      });
      assert.equal(answer.sum, 500500);
    });

    test("both ways at once: each message is answered before the next is sent", async () => {
      const call = client.Echo(tags());
      const messages = call[Symbol.asyncIterator]();
      for (let it = 0; it < 20; it += 1) {
        call.write({ it });
        assert.deepEqual((await messages.next()).value, { it });
      }
      call.end();
      assert.ok((await messages.next()).done);
    });

    test("two hundred calls at once on one link are all answered", async () => {
      const all = await Promise.all(Array.from({ length: 200 }, (_, it) => unary(client, "Say", { it }, tags())));
      assert.deepEqual(all.map(({ answer }) => answer?.said.it), Array.from({ length: 200 }, (_, it) => it));
    });
  });
}

test("a call without a caller key fails as UNAUTHENTICATED", async () => {
  const client = new greeter.Client(scene.proxy.replace("http://", ""), grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set("attache-connection", "grpc");
  const { error } = await unary(client, "Say", {}, metadata);
  client.close();
  assert.equal(error.code, grpc.status.UNAUTHENTICATED);
});
