"""A provider of OAuth 1.0a made with oauthlib, and an API that checks the signature of each request: one server.

What it is asked is taken as it came, byte for byte: no framework has read the URL or the body before."""

import http.server
import json
import secrets
import threading
import time

from oauthlib.oauth1 import AccessTokenEndpoint, AuthorizationEndpoint, RequestTokenEndpoint, RequestValidator, ResourceEndpoint, SignatureOnlyEndpoint

# Below it requests have no token: all that is checked is the consumer's signature.
CONSUMERS_OWN = "/own"

FORM = "application/x-www-form-urlencoded"


class Validator(RequestValidator):
    """Knows its consumers, their tokens, and each nonce that was used."""

    enforce_ssl = False
    safe_characters = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ +%/:&=é☃")
    client_key_length = request_token_length = access_token_length = (1, 200)
    verifier_length = nonce_length = (1, 64)
    dummy_client = dummy_request_token = dummy_access_token = "dummy"
    realms: tuple[str, ...] = ()

    def __init__(self, consumers: dict[str, str], public_key: str):
        super().__init__()
        self.consumers, self.public_key = consumers, public_key
        self.temporary: dict[str, dict] = {}
        self.tokens: dict[str, str] = {}
        self.nonces: set[tuple] = set()

    def get_client_secret(self, client_key, request):
        return self.consumers.get(client_key, "none")

    def get_rsa_key(self, client_key, request):
        return self.public_key

    def get_request_token_secret(self, client_key, token, request):
        return self.temporary.get(token, {}).get("secret", "none")

    def get_access_token_secret(self, client_key, token, request):
        return self.tokens.get(token, "none")

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return []

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    def validate_client_key(self, client_key, request):
        return client_key in self.consumers

    def validate_request_token(self, client_key, token, request):
        return token in self.temporary

    def validate_access_token(self, client_key, token, request):
        return token in self.tokens

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        used = (timestamp, nonce)
        is_new = used not in self.nonces and abs(int(timestamp) - time.time()) < 60
        self.nonces.add(used)
        return is_new

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri.startswith("https://app.example/")

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def validate_verifier(self, client_key, token, verifier, request):
        return self.temporary[token].get("verifier") == verifier

    def verify_request_token(self, token, request):
        return token in self.temporary

    def verify_realms(self, token, realms, request):
        return True

    def save_request_token(self, token, request):
        kept = {"secret": token["oauth_token_secret"], "callback": request.redirect_uri}
        self.temporary[token["oauth_token"]] = kept

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = token["oauth_token_secret"]

    def invalidate_request_token(self, client_key, request_token, request):
        del self.temporary[request_token]


class Provider:
    def __init__(self, consumers: dict[str, str], public_key: str):
        self.validator = Validator(consumers, public_key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def give_token(self, more: str = " +%/:&=") -> tuple[str, str]:
        """A token that somebody has brought from elsewhere, and its secret, with `more` behind it."""
        token, secret = secrets.token_urlsafe(12), f"{secrets.token_urlsafe(12)}{more}"
        self.validator.tokens[token] = secret
        return token, secret

    def handler(provider):
        validator = provider.validator
        request_token, access_token = RequestTokenEndpoint(validator), AccessTokenEndpoint(validator)
        authorization, resource = AuthorizationEndpoint(validator), ResourceEndpoint(validator)
        signature_only = SignatureOnlyEndpoint(validator)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status: int, body: bytes, headers: dict):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                is_form = (self.headers.get("Content-Type") or "").startswith(FORM)
                uri = f"http://{self.headers['Host']}{self.path}"
                asked = (uri, self.command, body.decode("latin-1") if is_form else "", dict(self.headers))
                path = self.path.split("?")[0]
                if path == "/initiate":
                    headers, said, status = request_token.create_request_token_response(*asked)
                elif path == "/authorize":
                    headers, said, status = authorization.create_authorization_response(*asked, credentials={"user": "ann"})
                elif path == "/token":
                    headers, said, status = access_token.create_access_token_response(*asked)
                else:
                    is_own = path.startswith(f"{CONSUMERS_OWN}/")
                    validate = signature_only.validate_request if is_own else resource.validate_protected_resource_request
                    is_valid, request = validate(*asked)
                    told = {"valid": is_valid, "token": request.resource_owner_key if is_valid else None, "body": body.hex(), "path": self.path}
                    told |= {"log": {name: bool(it) for name, it in (request.validator_log or {}).items()}}
                    headers, said, status = {"Content-Type": "application/json"}, json.dumps(told), 200 if is_valid else 401
                return self.answer(status, (said or "").encode(), headers)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        return Handler
