"""What attache exports, age's own implementation reads: sealed here, opened by pyrage, and given to another attache."""

import json
import os
import pathlib
import subprocess
import unittest

import pyrage
from support.attache import Attache

# More than a chunk of 64 KiB, and more than a page.
TENANTS = 700


def client(attache: Attache, *arguments, given: bytes = b"") -> bytes:
    """A command of attache's that asks its API; what it prints."""
    scene = json.loads(pathlib.Path(os.environ["PEERS_SCENE"]).read_text())
    environment = {"ATTACHE_URL": attache.admin, "ATTACHE_TOKEN": attache.token, "PATH": os.environ["PATH"]}
    argv = [scene["attache"], "activation", *arguments]
    return subprocess.run(argv, env=environment, input=given, stdout=subprocess.PIPE, check=True, cwd=attache.folder).stdout


class ExportTest(unittest.TestCase):
    def attache(self) -> Attache:
        attache = Attache()
        self.addCleanup(attache.stop)
        attache.send("PUT", "connectors/api", {"base_url": "https://api.example", "auth": {"key": {"bearer": {}}}})
        attache.send("PUT", "connections/keys", {"connector": "api", "auth": "key", "embedded": True})
        return attache

    def test_pyrage_reads_what_is_exported_and_another_attache_takes_it(self):
        here, there = self.attache(), self.attache()
        rows = [{"connection": "keys", "tenant": f"t{it}", "credentials": {"token": f"secret-{it}-{'x' * 100}"}} for it in range(TENANTS)]
        lines = "\n".join(json.dumps(it) for it in rows).encode()
        client(here, "import", "-", given=lines)
        identity = pyrage.x25519.Identity.generate()
        sealed = client(here, "export", "--recipient", str(identity.to_public()), "-f", "-")
        self.assertNotIn(b"secret-", sealed)
        opened = pyrage.decrypt(sealed, [identity])
        found = {it["tenant"]: it for it in map(json.loads, opened.splitlines())}
        self.assertEqual(found, {it["tenant"]: it | {"enabled": True} for it in rows})
        with self.assertRaises(pyrage.DecryptError):
            pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])
        for cut in (1, 100, 40_000):
            with self.assertRaises(Exception):
                pyrage.decrypt(sealed[:-cut], [identity])
        told = json.loads(client(there, "import", "-", "-o", "json", given=opened))
        self.assertEqual(told, {"created": TENANTS, "replaced": 0, "skipped": 0, "refused": 0})


if __name__ == "__main__":
    unittest.main()
