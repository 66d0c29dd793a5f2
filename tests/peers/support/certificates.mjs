// Certificates of a test's own, made by openssl.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Vouches for certificates, in a folder that is removed when it stops. */
export class Authority {
  #folder = mkdtempSync(join(tmpdir(), "attache-certificates-"));

  constructor() {
    const more = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    this.pem = this.#selfSigned("authority", "an authority", more).cert;
  }

  /** A certificate with its key; `names` as openssl has them: `DNS:…`, `IP:…`. */
  signs(file, names) {
    const [key, request, extensions, cert] = ["key", "csr", "ext", "pem"].map((it) => this.#at(`${file}.${it}`));
    openssl("req", ...KEY, "-subj", `/CN=${file}`, "-keyout", key, "-out", request);
    writeFileSync(extensions, `subjectAltName=${names}\nbasicConstraints=critical,CA:FALSE\n`);
    const by = ["-CA", this.#at("authority.pem"), "-CAkey", this.#at("authority.key"), "-CAcreateserial"];
    openssl("x509", "-req", "-days", "2", "-in", request, ...by, "-extfile", extensions, "-out", cert);
    return this.#read(file);
  }

  /** A certificate that nobody vouches for. */
  selfSigned(file, names) {
    return this.#selfSigned(file, file, ["-addext", `subjectAltName=${names}`, "-addext", "basicConstraints=critical,CA:FALSE"]);
  }

  stop() {
    rmSync(this.#folder, { recursive: true });
  }

  #selfSigned(file, name, more) {
    openssl("req", "-x509", ...KEY, "-days", "2", "-subj", `/CN=${name}`, ...more, "-keyout", this.#at(`${file}.key`), "-out", this.#at(`${file}.pem`));
    return this.#read(file);
  }

  #read(file) {
    const [cert, key] = ["pem", "key"].map((it) => readFileSync(this.#at(`${file}.${it}`), "utf8"));
    const parsed = new X509Certificate(cert);
    return { cert, key, fingerprint: parsed.fingerprint256, jwk: { ...parsed.publicKey.export({ format: "jwk" }), x5c: [parsed.raw.toString("base64")] } };
  }

  #at(file) {
    return join(this.#folder, file);
  }
}

function openssl(...argv) {
  execFileSync("openssl", argv, { stdio: ["ignore", "ignore", "pipe"] });
}
