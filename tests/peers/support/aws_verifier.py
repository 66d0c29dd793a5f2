"""A server that takes no request whose signature botocore would not have made, body and all, and lends keys as AWS STS does."""

import datetime
import hashlib
import hmac
import http.server
import threading
import urllib.parse

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED = "UNSIGNED-PAYLOAD"
HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
PIECE = 1 << 20


class Refused(Exception):
    pass


class Verifier:
    def __init__(self, keys: dict[str, str]):
        """`keys`: secrets by access key id."""
        self.keys, self.tokens, self.seen, self.lent = dict(keys), {}, [], 0
        self.roles_life_s = 3600
        verifier = self

        class Handler(Answering):
            owner = verifier

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def last(self) -> dict:
        return self.seen[-1]

    def lend(self, form: dict) -> str:
        """Keys as AssumeRole gives them."""
        self.lent += 1
        key_id, secret, token = f"ASIA{self.lent:016}", f"lent+/{self.lent}", f"tok+en/{self.lent}=="
        self.keys[key_id], self.tokens[key_id] = secret, token
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.roles_life_s)
        return (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
            f"<AssumedRoleUser><Arn>{form['RoleArn'][0]}</Arn></AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>"
            f"<Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Verifier

    def log_message(self, *_):
        pass

    def answer(self):
        try:
            seen = Signed(self, self.owner).verified()
        except Refused as why:
            return self.say(403, f"<Error><Code>SignatureDoesNotMatch</Code><Message>{why}</Message></Error>".encode())
        self.owner.seen.append(seen)
        if seen["service"] == "sts":
            return self.say(200, self.owner.lend(urllib.parse.parse_qs(seen["body"].decode())).encode(), "text/xml")
        if seen["service"] == "dynamodb":
            return self.say(200, b'{"TableNames":["films"]}', "application/x-amz-json-1.0")
        self.say(200, b"")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def say(self, status: int, body: bytes, media: str = "application/xml"):
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        if status != 200:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Signed:
    def __init__(self, request: Answering, owner: Verifier):
        self.request, self.owner, self.headers = request, owner, request.headers
        self.path, _, self.query = request.path.partition("?")
        self.length = int(self.headers.get("Content-Length", 0))
        pairs = dict(urllib.parse.parse_qsl(self.query, keep_blank_values=True))
        self.is_in_query = "X-Amz-Signature" in pairs
        if self.is_in_query:
            said = {name.removeprefix("X-Amz-"): value for name, value in pairs.items() if name.startswith("X-Amz-")}
            self.token, self.date, self.expires = said.get("Security-Token"), said["Date"], int(said["Expires"])
            rest = [it for it in self.query.split("&") if not it.startswith("X-Amz-Signature=")]
            self.query = "&".join(rest)
        else:
            algorithm, _, parts = self.headers.get("Authorization", "").partition(" ")
            if algorithm != "AWS4-HMAC-SHA256":
                raise Refused(f"not signed: {algorithm}")
            said = dict(it.strip().split("=", 1) for it in parts.split(","))
            self.token, self.date = self.headers.get("X-Amz-Security-Token"), self.headers["X-Amz-Date"]
        self.signature, self.names = said["Signature"], said["SignedHeaders"].split(";")
        self.key_id, self.day, self.region, self.service, _ = said["Credential"].split("/")

    def verified(self) -> dict:
        secret = self.owner.keys.get(self.key_id)
        if secret is None:
            raise Refused("nobody has this key")
        if self.token != self.owner.tokens.get(self.key_id):
            raise Refused("another session token, or none")
        must = {"host", *(it.lower() for it in self.headers if it.lower().startswith("x-amz-"))}
        if not must <= set(self.names):
            raise Refused(f"not covered: {must - set(self.names)}")
        if any(len(self.headers.get_all(it, [])) > 1 for it in ("X-Amz-Date", "Authorization", "X-Amz-Content-Sha256")):
            raise Refused("a field of the signature is there twice")
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.strptime(self.date, "%Y%m%dT%H%M%S%z")
        if abs(age.total_seconds()) > 300:
            raise Refused(f"signed {age} ago")
        said = self.headers.get("X-Amz-Content-Sha256")
        whole = b"" if said == STREAMING else self.read(self.length) if self.length <= PIECE else None
        auth, signature = self.expected(secret, whole if whole is not None else b"")
        if signature != self.signature and (said or whole is not None):
            raise Refused("another signature")
        digest, length = self.drain(auth, whole, said)
        if said not in (None, UNSIGNED, STREAMING) and said != digest:
            raise Refused("the body has another hash")
        kept = dict(region=self.region, service=self.service, body=whole, sha256=digest, length=length, said=said)
        return kept | dict(names=self.names, is_in_query=self.is_in_query, key_id=self.key_id, headers=dict(self.headers), path=self.request.path)

    def expected(self, secret: str, body: bytes):
        """botocore's own auth for the service, and the signature that it makes."""
        credentials = Credentials(self.key_id, secret, None)
        is_s3 = self.service == "s3"
        if self.is_in_query:
            kind = S3SigV4QueryAuth if is_s3 else SigV4QueryAuth
            auth = kind(credentials, self.service, self.region, expires=self.expires)
        else:
            auth = (S3SigV4Auth if is_s3 else SigV4Auth)(credentials, self.service, self.region)
        fields = {it: ",".join(self.headers.get_all(it)) for it in self.names}
        url = f"http://{self.headers['Host']}{self.path}" + (f"?{self.query}" if self.query else "")
        request = AWSRequest(method=self.request.command, url=url, headers=fields, data=body)
        request.context["timestamp"] = self.date
        request.context["payload_signing_enabled"] = True
        text = auth.string_to_sign(request, auth.canonical_request(request))
        self.scope = f"{self.day}/{self.region}/{self.service}/aws4_request"
        return auth, auth.signature(text, request)

    def drain(self, auth, whole, said) -> tuple[str, int]:
        if said == STREAMING:
            return self.unpacked(auth)
        digest, length = hashlib.sha256(whole or b""), len(whole or b"")
        while whole is None and length < self.length:
            piece = self.read(min(PIECE, self.length - length))
            digest.update(piece)
            length += len(piece)
        return digest.hexdigest(), length

    def unpacked(self, auth) -> tuple[str, int]:
        """Reads signed pieces; each has to be signed upon the one before."""
        key = f"AWS4{auth.credentials.secret_key}".encode()
        for part in self.scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        digest, length, last, left = hashlib.sha256(), 0, self.signature, self.length
        while True:
            head = self.request.rfile.readline(200)
            size, _, signature = head.strip().decode().partition(";chunk-signature=")
            piece = self.read(int(size, 16))
            if self.read(2) != b"\r\n":
                raise Refused("a piece without its end")
            left -= len(head) + len(piece) + 2
            parts = ("AWS4-HMAC-SHA256-PAYLOAD", self.date, self.scope, last, HASH_OF_NOTHING, hashlib.sha256(piece).hexdigest())
            if hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).hexdigest() != signature:
                raise Refused(f"a piece has another signature, {length} bytes in")
            last = signature
            digest.update(piece)
            length += len(piece)
            if not piece:
                break
        if left or length != int(self.headers["X-Amz-Decoded-Content-Length"]):
            raise Refused("a body of another length than was said")
        return digest.hexdigest(), length

    def read(self, count: int) -> bytes:
        return self.request.rfile.read(count)
