"""An authorization server made with Authlib, and an API that checks the tokens that it gives: one Flask application.

Its refresh tokens are new with each use; one that is used a second time ends the grant that it belongs to."""

import collections
import dataclasses
import json
import logging
import os
import threading
import time

# It listens on loopback, without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask
import werkzeug.serving
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from authlib.oauth2.rfc9207 import IssuerParameter
from joserfc import jws
from joserfc.jwk import OctKey

logging.getLogger("werkzeug").setLevel(logging.ERROR)

PEOPLE = {"ann": "hunter2 & more"}
REDIRECT_URI = "https://app.example/oauth/back"
ASSERTION = JWTBearerClientAssertion.CLIENT_AUTH_METHOD
AUTH_METHODS = ["client_secret_basic", "client_secret_post", ASSERTION, "none"]


@dataclasses.dataclass
class Client(ClientMixin):
    client_id: str
    secret: str | None
    auth_method: str = "client_secret_basic"
    key: object | None = None
    """What its assertions are signed with, where that is not its secret: a public key."""

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return REDIRECT_URI

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri == REDIRECT_URI

    def check_client_secret(self, client_secret):
        return client_secret is not None and client_secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.auth_method

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return True


@dataclasses.dataclass
class Token(TokenMixin):
    access_token: str
    scope: str
    client_id: str
    user: str | None
    family: int
    refresh_token: str | None = None
    ends_at: float = 0
    is_used: bool = False
    is_over: bool = False

    def check_client(self, client):
        return self.client_id == client.client_id

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return int(self.ends_at - time.time())

    def is_expired(self):
        return time.time() >= self.ends_at

    def is_revoked(self):
        return self.is_over


@dataclasses.dataclass
class Code:
    code: str
    client_id: str
    redirect_uri: str | None
    scope: str
    user: str
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


def whose(request: flask.Request) -> str | None:
    """The client that a token request says it is."""
    if assertion := request.form.get("client_assertion"):
        return json.loads(jws.extract_compact(assertion.encode()).payload)["sub"]
    return request.form.get("client_id") or (request.authorization and request.authorization.username)


class Authlib:
    """Runs until it is stopped, in a thread of its own."""

    def __init__(self, clients: list[Client]):
        self.clients = {it.client_id: it for it in clients}
        self.tokens: list[Token] = []
        self.codes: dict[str, Code] = {}
        self.given_codes: list[str] = []
        self.asked: collections.Counter = collections.Counter()
        """Token requests, by their clients."""
        self.assertions: set[str] = set()
        self.devices: dict[str, DeviceCredentialDict] = {}
        """By device code: what was asked for on other devices, and when the device has asked whether it was granted."""
        self.granted: dict[str, tuple[str, bool]] = {}
        """By user code: who has typed it, and whether they consented."""
        self.reused = 0
        app = flask.Flask("authlib")
        app.config.update(OAUTH2_REFRESH_TOKEN_GENERATOR=True, OAUTH2_TOKEN_EXPIRES_IN={})
        self.server = AuthorizationServer(app, query_client=self.clients.get, save_token=self.save)
        self.register()
        self.route(app)
        self.http = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def save(self, token: dict, request):
        before = getattr(request, "refresh_token", None)
        family = before.family if isinstance(before, Token) else len(self.tokens)
        self.tokens.append(
            Token(
                token["access_token"], token.get("scope", ""), request.client.client_id, request.user, family,
                token.get("refresh_token"), time.time() + token["expires_in"],
            )
        )  # fmt: skip

    def revoke(self, family: int):
        for it in self.tokens:
            it.is_over |= it.family == family

    def register(self):
        ours = self

        class Password(grants.ResourceOwnerPasswordCredentialsGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

            def authenticate_user(self, username, password):
                return username if PEOPLE.get(username) == password else None

        class ClientCredentials(grants.ClientCredentialsGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

        class Refresh(grants.RefreshTokenGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
            INCLUDE_NEW_REFRESH_TOKEN = True

            def authenticate_refresh_token(self, refresh_token):
                found = next((it for it in ours.tokens if it.refresh_token == refresh_token), None)
                if found and found.is_used:
                    ours.reused += 1
                    ours.revoke(found.family)
                return None if found is None or found.is_over else found

            def authenticate_user(self, refresh_token):
                return refresh_token.user

            def revoke_old_credential(self, refresh_token):
                refresh_token.is_used = True

        class AuthorizationCode(grants.AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

            def save_authorization_code(self, code, request):
                challenge, method = (request.payload.data.get(it) for it in ("code_challenge", "code_challenge_method"))
                redirect_uri = request.payload.redirect_uri
                ours.given_codes.append(code)
                ours.codes[code] = Code(code, request.client.client_id, redirect_uri, request.scope, request.user, challenge, method)

            def query_authorization_code(self, code, client):
                found = ours.codes.get(code)
                return found if found and found.client_id == client.client_id else None

            def delete_authorization_code(self, authorization_code):
                del ours.codes[authorization_code.code]

            def authenticate_user(self, authorization_code):
                return authorization_code.user

        def found(token_string):
            return next((it for it in ours.tokens if token_string in (it.access_token, it.refresh_token)), None)

        class Revocation(RevocationEndpoint):
            CLIENT_AUTH_METHODS = AUTH_METHODS

            def query_token(self, token_string, token_type_hint):
                return found(token_string)

            def revoke_token(self, token, request):
                ours.revoke(token.family)

        class Introspection(IntrospectionEndpoint):
            CLIENT_AUTH_METHODS = AUTH_METHODS

            def query_token(self, token_string, token_type_hint):
                return found(token_string)

            def check_permission(self, token, client, request):
                return token.check_client(client)

            def introspect_token(self, token):
                return {"username": token.user, "scope": token.scope, "exp": int(token.ends_at)}

        class Assertion(JWTBearerClientAssertion):
            def get_audiences(self):
                return [f"{ours.url}/token"]

            def validate_jti(self, claims, jti):
                is_new = jti not in ours.assertions
                ours.assertions.add(jti)
                return is_new

            def resolve_client_public_key(self, client):
                return client.key or OctKey.import_key(client.secret)

        class JwtBearer(JWTBearerGrant):
            def get_audiences(self):
                return [f"{ours.url}/token"]

            def resolve_issuer_client(self, issuer):
                return ours.clients.get(issuer)

            def resolve_client_public_key(self, client):
                return client.key

            def authenticate_user(self, subject):
                return subject if subject in PEOPLE else None

            def has_granted_permission(self, client, user):
                return True

        class Device(DeviceAuthorizationEndpoint):
            CLIENT_AUTH_METHODS = AUTH_METHODS
            INTERVAL = 1

            def get_verification_uri(self):
                return f"{ours.url}/device"

            def save_device_credential(self, client_id, scope, data):
                of = {"client_id": client_id, "scope": scope, "expires_at": time.time() + data["expires_in"], "asked_at": []}
                ours.devices[data["device_code"]] = DeviceCredentialDict(data | of)

        class DeviceCode(DeviceCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

            def query_device_credential(self, device_code):
                found = ours.devices.get(device_code)
                if found is not None:
                    found["asked_at"].append(time.monotonic())
                return found

            def query_user_grant(self, user_code):
                return ours.granted.get(user_code)

            def should_slow_down(self, credential):
                return len(credential["asked_at"]) == 1

        class Issuer(IssuerParameter):
            def get_issuer(self):
                return ours.url

        for grant in (Password, ClientCredentials, Refresh, JwtBearer, DeviceCode):
            self.server.register_grant(grant)
        self.server.register_grant(AuthorizationCode, [CodeChallenge(required=True)])
        self.server.register_endpoint(Revocation)
        self.server.register_endpoint(Introspection)
        self.server.register_endpoint(Device)
        self.server.register_client_auth_method(ASSERTION, Assertion())
        self.server.register_extension(Issuer())

    def route(self, app: flask.Flask):
        ours = self

        class Validator(BearerTokenValidator):
            def authenticate_token(self, token_string):
                return next((it for it in ours.tokens if it.access_token == token_string), None)

        protect = ResourceProtector()
        protect.register_token_validator(Validator())

        @app.post("/token")
        def token():
            ours.asked[whose(flask.request)] += 1
            return ours.server.create_token_response()

        @app.post("/revoke")
        def revoke():
            return ours.server.create_endpoint_response(RevocationEndpoint.ENDPOINT_NAME)

        @app.post("/device/authorize")
        def begin_on_device():
            return ours.server.create_endpoint_response(DeviceAuthorizationEndpoint.ENDPOINT_NAME)

        @app.post("/introspect")
        def introspect():
            return ours.server.create_endpoint_response(IntrospectionEndpoint.ENDPOINT_NAME)

        @app.get("/authorize")
        def authorize():
            """Whoever comes is Ann, and consents."""
            return ours.server.create_authorization_response(grant=ours.server.get_consent_grant(end_user="ann"), grant_user="ann")

        @app.get("/api/whoami")
        @protect("read")
        def whoami():
            return {"client_id": current_token.client_id, "sub": current_token.user, "scope": current_token.scope}
