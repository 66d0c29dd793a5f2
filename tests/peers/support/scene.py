"""What the harness started, and what every test asks of a request that reached the far end."""

import base64
import json
import os
import unittest
import urllib.parse
import urllib.request

with open(os.environ["PEERS_SCENE"], encoding="utf-8") as file:
    SCENE = json.load(file)

PROXY = SCENE["proxy"]
CALLER_KEY = SCENE["callerKey"]
CREDENTIALS = SCENE["credentials"]


def tags(connection: str) -> dict:
    return {"Attache-Connection": connection, "Attache-Key": CALLER_KEY}


class PeerTest(unittest.TestCase):
    def only_seen(self, under: str) -> dict:
        """The one request recorded under a path, with nothing of attache's and no caller key in it."""
        records = seen(under)
        self.assertEqual(len(records), 1, [it["url"] for it in records])
        record = records[0]
        self.assertEqual([it for it in record["headers"] if it.startswith("attache")], [])
        record["bytes"] = base64.b64decode(record["body"])
        self.assertNotIn(CALLER_KEY, json.dumps({**record, "bytes": record["bytes"].decode("latin-1")}))
        return record


def seen(under: str) -> list:
    """The requests recorded under a path since they were last asked for."""
    with urllib.request.urlopen(f"{SCENE['upstream']}/__seen?under={urllib.parse.quote(under)}") as answer:
        return json.load(answer)
