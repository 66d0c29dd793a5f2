// What an API looks at where tokens are bound to a key (RFC 9449 §4.3, §7, §9): that each request proves that the key is
// there, with the API's own nonce, and that no proof is used twice.
import { createHash, randomBytes } from "node:crypto";
import { EmbeddedJWK, calculateJwkThumbprint, jwtVerify } from "jose";

export class Proofs {
  nonce = newNonce();
  /** Why requests were refused, in their order. */
  refusals = [];
  /** The keys that requests were proven with, as thumbprints, in their order. */
  keys = [];
  #seen = new Set();

  /** Proofs with the present nonce are not taken any more. */
  renewNonce() {
    this.nonce = newNonce();
  }

  /** What is wrong with a request whose token is good, as a challenge; null where nothing is. */
  async refusal(request, response, token, { cnf }) {
    const wrong = await this.#wrong(request, token, cnf);
    if (!wrong) return null;
    this.refusals.push(wrong);
    if (wrong !== "nonce") return `DPoP error="invalid_dpop_proof", error_description="${wrong}"`;
    response.setHeader("dpop-nonce", this.nonce);
    return 'DPoP error="use_dpop_nonce"';
  }

  async #wrong(request, token, cnf) {
    const options = { typ: "dpop+jwt", algorithms: ["ES256"], requiredClaims: ["jti", "iat", "htm", "htu", "ath"] };
    const verified = await jwtVerify(request.headers.dpop ?? "", EmbeddedJWK, options).catch(() => null);
    if (!verified) return "no proof";
    const { protectedHeader, payload } = verified;
    const { pathname } = new URL(request.url, "http://api");
    if (payload.htm !== request.method || payload.htu !== `http://${request.headers.host}${pathname}`) return "another request";
    if (payload.ath !== createHash("sha256").update(token).digest("base64url")) return "another token";
    const key = await calculateJwkThumbprint(protectedHeader.jwk);
    if (!cnf?.jkt || cnf.jkt !== key) return "another key";
    if (Math.abs(payload.iat - Date.now() / 1000) > 60) return "another time";
    if (payload.nonce !== this.nonce) return "nonce";
    if (this.#seen.has(payload.jti)) return "used before";
    this.#seen.add(payload.jti);
    this.keys.push(key);
    return null;
  }
}

function newNonce() {
  return randomBytes(16).toString("base64url");
}
