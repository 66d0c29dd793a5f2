// An API that believes no token by itself: it asks the authorization server, and says what it was told.
import { createServer } from "node:http";

export async function startApi(authorization) {
  const tokens = [];
  const server = createServer(async (request, response) => {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    tokens.push(token);
    const said = scheme === "Bearer" ? await authorization.introspect(token) : { active: false };
    response.statusCode = said.active ? 200 : 401;
    if (!said.active) response.setHeader("www-authenticate", 'Bearer error="invalid_token"');
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(said));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, tokens, stop };
}
