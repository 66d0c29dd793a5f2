// An API that believes no token by itself: it asks the authorization server, and says what it was told.
import { createServer } from "node:http";

/**
 * Starts one. It takes tokens by `scheme`, and refuses with a challenge what `refusal` finds wrong with a request whose token
 * is good: by default nothing.
 */
export async function startApi(authorization, { scheme = "Bearer", refusal = async () => null } = {}) {
  const tokens = [];
  const server = createServer(async (request, response) => {
    const [given, token] = (request.headers.authorization ?? "").split(" ");
    tokens.push(token);
    const said = given === scheme ? await authorization.introspect(token) : { active: false };
    const challenge = said.active ? await refusal(request, response, token, said) : `${scheme} error="invalid_token"`;
    response.statusCode = challenge ? 401 : 200;
    if (challenge) response.setHeader("www-authenticate", challenge);
    response.setHeader("content-type", "application/json");
    // Which token it is, without telling it.
    response.end(JSON.stringify({ ...said, nth: tokens.indexOf(token) }));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, tokens, stop };
}
