// Every sender.
import clocked from "./clocked.mjs";
import elsewhere from "./elsewhere.mjs";
import hashedBodies from "./hashed-bodies.mjs";
import publicKeys from "./public-keys.mjs";
import pythonSenders from "./python-senders.mjs";

const every = [...hashedBodies, ...clocked, ...elsewhere, ...publicKeys, ...pythonSenders];

/** `SENDERS=github,stripe` tries these presets' alone. */
const only = process.env.SENDERS?.split(",");
export const senders = every.filter((it) => !only || only.includes(it.preset));
