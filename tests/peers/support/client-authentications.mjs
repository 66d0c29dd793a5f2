// How clients prove themselves at a token endpoint: by each way, what the server knows of the client, and what attache is
// given. Certificates are apart, since they need https.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";

/** What a client proves itself with: a P-256 key, as attache takes it and as the server knows it. */
export const key = keyPair("key-1");

/** Characters that clients and servers like to disagree about when they stand in Basic (RFC 6749 §2.3.1). */
export const secret = `${randomBytes(32).toString("base64url")} +%/:&=`;

export const AUTHENTICATIONS = {
  basic: {
    client: { token_endpoint_auth_method: "client_secret_basic", client_secret: secret },
    credentials: { client_secret: secret },
  },
  body: {
    client: { token_endpoint_auth_method: "client_secret_post", client_secret: secret },
    credentials: { client_secret: secret },
  },
  client_secret_jwt: {
    client: { token_endpoint_auth_method: "client_secret_jwt", client_secret: secret },
    credentials: { client_secret: secret },
  },
  private_key_jwt: {
    client: { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.jwk] }, token_endpoint_auth_signing_alg: "ES256" },
    credentials: { private_key: key.pem, key_id: key.kid },
    settings: { assertion: { algorithm: "ES256" } },
  },
};

/** The client that proves itself in this way. */
export const clientOf = (name) => `by-${name.replaceAll("_", "-")}`;

/** A client for each way, as the server knows it. */
export const registered = Object.entries(AUTHENTICATIONS).map(([name, { client }]) => ({ client_id: clientOf(name), ...client }));

function keyPair(kid) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const jwk = { ...createPublicKey(createPrivateKey(pem)).export({ format: "jwk" }), kid, use: "sig", alg: "ES256" };
  return { pem, jwk, kid };
}
