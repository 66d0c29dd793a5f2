// After the build: a gzip variant beside each text, and the bound on what a browser has to load.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url).pathname;
const TEXT = /\.(html|js|css|svg|json|map)$/;
/** Bytes of all files together, as they are sent. */
const MOST = 250_000;

let total = 0;
for (const name of readdirSync(DIST, { recursive: true })) {
  const path = join(DIST, name);
  if (!statSync(path).isFile() || name.endsWith(".gz")) continue;
  const plain = readFileSync(path);
  if (!TEXT.test(name)) {
    total += plain.length;
    continue;
  }
  const packed = gzipSync(plain, { level: 9 });
  writeFileSync(`${path}.gz`, packed);
  total += packed.length;
  console.log(`${String(packed.length).padStart(8)}  ${name}`);
}
console.log(`${String(total).padStart(8)}  in all, of ${MOST}`);
if (total > MOST) {
  console.error(`the console is ${total - MOST} bytes over its bound`);
  process.exit(1);
}
