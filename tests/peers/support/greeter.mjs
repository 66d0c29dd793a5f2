// A gRPC service without generated code: its messages are JSON, which gRPC itself does not mind.
import grpc from "@grpc/grpc-js";

const encode = (value) => Buffer.from(JSON.stringify(value));
const decode = (bytes) => JSON.parse(bytes.toString());
const method = (name, requestStream, responseStream) => ({
  path: `/peers.Greeter/${name}`,
  requestStream,
  responseStream,
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
});

const service = {
  Say: method("Say", false, false),
  Fail: method("Fail", false, false),
  Wait: method("Wait", false, false),
  Count: method("Count", false, true),
  Sum: method("Sum", true, false),
  Echo: method("Echo", true, true),
};

/** What arrived, told back in the answer: the metadata is the recording. */
const implementation = {
  Say(call, done) {
    const trailer = new grpc.Metadata();
    trailer.set("x-trailer", "at the end");
    done(null, { said: call.request, metadata: call.metadata.getMap() }, trailer);
  },
  Fail(_, done) {
    const metadata = new grpc.Metadata();
    metadata.set("x-why", "because");
    done({ code: grpc.status.FAILED_PRECONDITION, details: "not in this state", metadata });
  },
  Wait() {},
  Count(call) {
    for (let it = 1; it <= call.request.to; it += 1) call.write({ it });
    call.end();
  },
  Sum(call, done) {
    let sum = 0;
    call.on("data", ({ it }) => (sum += it));
    call.on("end", () => done(null, { sum }));
  },
  Echo(call) {
    call.on("data", (message) => call.write(message));
    call.on("end", () => call.end());
  },
};

export const greeter = { service, implementation, Client: grpc.makeGenericClientConstructor(service, "Greeter") };
