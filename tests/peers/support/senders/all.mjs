// Every sender.
import clocked from "./clocked.mjs";
import hashedBodies from "./hashed-bodies.mjs";
import pythonSenders from "./python-senders.mjs";

const only = process.env.SENDERS?.split(",");
export const senders = [...hashedBodies, ...clocked, ...pythonSenders].filter((it) => !only || only.includes(it.hmac.preset));
