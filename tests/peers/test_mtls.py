"""Client certificates shown to nginx and to OpenSSL's server: each connection's own, on links of its own."""

import base64
import concurrent.futures
import datetime
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from support.attache import PATIENCE_S, Attache, asked

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()
# Debian keeps it where a normal user's PATH does not look.
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx"
PASSWORD = "pässword +%"


class Authority:
    def __init__(self, name: str):
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), name
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self.issued(name, self.key.public_key(), constraints)

    def issued(self, name: str, public_key, extension, days=30) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(_name(self.name), _name(name), public_key, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=60)).not_valid_after(now + datetime.timedelta(days=days))
        return builder.add_extension(extension, critical=False).sign(self.key, hashes.SHA256())

    def client(self, name: str, key=None, **more):
        key = key or ec.generate_private_key(ec.SECP256R1())
        use = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
        return self.issued(name, key.public_key(), use, **more), key

    def server(self):
        key = ec.generate_private_key(ec.SECP256R1())
        return self.issued("localhost", key.public_key(), x509.SubjectAlternativeName([x509.DNSName("localhost")])), key


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(certificate) -> str:
    return certificate.public_bytes(PEM).decode()


def key_pem(key, encryption=PLAIN) -> str:
    return key.private_bytes(PEM, PKCS8, encryption).decode()


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


class MtlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kept = tempfile.TemporaryDirectory(prefix="attache-mtls-")
        cls.addClassCleanup(kept.cleanup)
        cls.folder = pathlib.Path(kept.name)
        cls.authority = Authority("Test CA")
        certificate, key = cls.authority.server()
        for name, text in (("ca", pem(cls.authority.certificate)), ("server", pem(certificate)), ("key", key_pem(key))):
            (cls.folder / f"{name}.pem").write_text(text)
        cls.port = free_port()
        cls.start_nginx()
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def start_nginx(cls):
        (cls.folder / "nginx.conf").write_text(f"""
daemon off; pid {cls.folder}/nginx.pid; error_log stderr crit; worker_processes 1;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {cls.folder}/body; proxy_temp_path {cls.folder}/proxy; fastcgi_temp_path {cls.folder}/fastcgi;
  uwsgi_temp_path {cls.folder}/uwsgi; scgi_temp_path {cls.folder}/scgi;
  server {{
    listen 127.0.0.1:{cls.port} ssl http2;
    ssl_certificate {cls.folder}/server.pem; ssl_certificate_key {cls.folder}/key.pem;
    ssl_client_certificate {cls.folder}/ca.pem; ssl_verify_client on; ssl_session_cache shared:all:1m;
    default_type application/json;
    location / {{ return 200 '{{"subject": "$ssl_client_s_dn", "link": "$connection", "resumed": "$ssl_session_reused"}}'; }}
  }}
}}
""")
        cls.nginx = subprocess.Popen([NGINX, "-p", cls.folder, "-c", cls.folder / "nginx.conf"], stdin=subprocess.DEVNULL)
        cls.addClassCleanup(lambda: (cls.nginx.terminate(), cls.nginx.wait(PATIENCE_S)))
        cls.listening(cls.port, cls.nginx)

    @staticmethod
    def listening(port: int, process: subprocess.Popen):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, "the server does not listen"
                time.sleep(0.02)

    def connect(self, key: str, credentials: dict, port: int | None = None, **upstream):
        connector = {
            "base_url": f"https://localhost:{port or self.port}",
            "auth": {"m": {"mtls": {}}},
            "upstream": {"ca": pem(self.authority.certificate)} | upstream,
        }
        self.attache.send("PUT", f"connectors/{key}", connector)
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "m", "credentials": credentials})

    def subject(self, key: str) -> dict:
        status, said = self.attache.through(key, "/")
        self.assertEqual(status, 200, f"{said}\n{self.attache.said()}")
        return said

    def test_every_form_of_a_certificate_and_its_key(self):
        kinds = {"ec": None, "rsa": rsa.generate_private_key(65537, 2048)}
        encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
        old = self.old_encryption()
        for kind, key in kinds.items():
            certificate, key = self.authority.client(f"client-{kind}", key)
            files = {
                name: pkcs12.serialize_key_and_certificates(b"own", key, certificate, [self.authority.certificate], how)
                for name, how in (("new", encryption), ("old", old))
            }
            forms = {
                "pem": {"certificate": pem(certificate), "private_key": key_pem(key)},
                "encrypted": {"certificate": pem(certificate), "private_key": key_pem(key, encryption), "private_key_password": PASSWORD},
            } | {name: {"pkcs12": base64.b64encode(file).decode(), "pkcs12_password": PASSWORD} for name, file in files.items()}
            for form, credentials in forms.items():
                with self.subTest(f"{kind} {form}"):
                    self.connect(f"{kind}-{form}", credentials)
                    self.assertEqual(self.subject(f"{kind}-{form}")["subject"], f"CN=client-{kind}")

    @staticmethod
    def old_encryption():
        builder = serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(5000)
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        return builder.hmac_hash(hashes.SHA1()).build(PASSWORD.encode())

    def test_two_identities_never_share_a_link(self):
        for protocol in ("1", "2"):
            names = [f"id-{protocol}-{number}" for number in range(4)]
            for name in names:
                certificate, key = self.authority.client(name)
                self.connect(name, {"certificate": pem(certificate), "private_key": key_pem(key)}, http=protocol)
            links: dict[str, set[str]] = {}
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for name, said in pool.map(lambda name: (name, self.subject(name)), names * 25):
                    self.assertEqual(said["subject"], f"CN={name}")
                    links.setdefault(said["link"], set()).add(said["subject"])
            self.assertTrue(all(len(it) == 1 for it in links.values()), links)
            self.assertLess(len(links), 100, "links are used again")

    def test_a_certificate_that_is_replaced_and_one_that_is_not_taken(self):
        for name in ("first", "second"):
            certificate, key = self.authority.client(name)
            self.connect("turns", {"certificate": pem(certificate), "private_key": key_pem(key)})
            self.assertEqual(self.subject("turns")["subject"], f"CN={name}")
        stranger, key = Authority("Test CA").client("stranger")
        self.connect("stranger", {"certificate": pem(stranger), "private_key": key_pem(key)})
        # nginx shakes hands with anybody, and says so in its answer.
        self.assertEqual(self.status("stranger"), 400)

    def test_one_that_has_ended_is_not_taken(self):
        over, key = self.authority.client("over", days=-1)
        with self.assertRaisesRegex(AssertionError, "the certificate has ended"):
            self.connect("over", {"certificate": pem(over), "private_key": key_pem(key)})
        soon, key = self.authority.client("soon", days=3)
        self.connect("soon", {"certificate": pem(soon), "private_key": key_pem(key)})
        told = self.attache.send("GET", "forecast?within=7d")["items"]
        self.assertEqual([(it["connection"], it["certificate"]["fingerprint"]) for it in told], [("soon", soon.fingerprint(hashes.SHA256()).hex())])

    def test_openssl_asks_for_one(self):
        port = free_port()
        argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", self.folder / "server.pem", "-key", self.folder / "key.pem"]
        argv += ["-CAfile", self.folder / "ca.pem", "-Verify", "2", "-verify_return_error", "-www", "-quiet"]
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.listening(port, server)
            certificate, key = self.authority.client("for-openssl")
            self.connect("openssl", {"certificate": pem(certificate), "private_key": key_pem(key)}, port)
            request = urllib.request.Request(f"{self.attache.proxy}/c/openssl/", headers={"Attache-Key": self.attache.caller_key})
            page = urllib.request.urlopen(request, timeout=PATIENCE_S).read().decode()
            self.assertIn("for-openssl", page)
            stranger, key = Authority("Another CA").client("stranger")
            self.connect("openssl-stranger", {"certificate": pem(stranger), "private_key": key_pem(key)}, port)
            request = urllib.request.Request(f"{self.attache.proxy}/c/openssl-stranger/", headers={"Attache-Key": self.attache.caller_key})
            status, said = asked(request)
            self.assertEqual((status, said["code"]), (502, "upstream_tls"), said)
        finally:
            server.terminate()
            server.wait(PATIENCE_S)

    def status(self, key: str) -> int:
        request = urllib.request.Request(f"{self.attache.proxy}/c/{key}/", headers={"Attache-Key": self.attache.caller_key})
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE_S).status
        except urllib.error.HTTPError as refused:
            return refused.code


if __name__ == "__main__":
    unittest.main()
