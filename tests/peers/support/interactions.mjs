// The pages of an authorization server where people log in and consent: oidc-provider leaves them to whoever runs it.

const PATH = "/interaction/";

export const isInteraction = (path) => path.startsWith(PATH);

/** Shows the page that is due, or takes what was filled in there. `people` are passwords by name. */
export async function interact(provider, people, request, response) {
  // oidc-provider finds out by a cookie whose page it is.
  const due = await provider.interactionDetails(request, response).catch(() => null);
  if (!due) return show(response, 400, "this page is nobody's");
  const { prompt, params } = due;
  if (request.method !== "POST") return show(response, 200, page(prompt.name, params));
  const filled = new URLSearchParams(await text(request));
  if (filled.get("answer") === "deny") return finish({ error: "access_denied", error_description: "the person said no" });
  if (prompt.name === "login") {
    const accountId = filled.get("name");
    if (people[accountId] !== filled.get("password")) return show(response, 403, page(prompt.name, params));
    return finish({ login: { accountId } });
  }
  return finish({ consent: { grantId: await consented(provider, due) } });

  function finish(result) {
    return provider.interactionFinished(request, response, result);
  }
}

/** What was asked for and not granted yet is granted. */
async function consented(provider, { grantId, session, params, prompt: { details } }) {
  const made = { accountId: session.accountId, clientId: params.client_id };
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant(made);
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(" "));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) grant.addResourceScope(resource, scopes.join(" "));
  return grant.save();
}

function page(prompt, { login_hint: hint = "" }) {
  const name = hint.replace(/[^a-z]/g, "");
  const login = `<input name="name" value="${name}"><input name="password" value="" type="password">`;
  return `<form method="post">${prompt === "login" ? login : ""}<input name="answer" value="allow"><button>Go on</button></form>`;
}

function show(response, status, html) {
  response.writeHead(status, { "content-type": "text/html" });
  response.end(html);
}

async function text(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
