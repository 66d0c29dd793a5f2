// Every sender.
import clocked from "./clocked.mjs";
import elsewhere from "./elsewhere.mjs";
import hashedBodies from "./hashed-bodies.mjs";
import publicKeys from "./public-keys.mjs";
import pythonSenders from "./python-senders.mjs";

const only = process.env.SENDERS?.split(",");
export const senders = [...hashedBodies, ...clocked, ...elsewhere, ...publicKeys, ...pythonSenders].filter((it) => !only || only.includes(it.hmac.preset));
