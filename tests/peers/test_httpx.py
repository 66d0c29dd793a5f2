"""`httpx` with HTTP/2 on either side of attache."""

import asyncio
import json
import unittest

import httpx

from support.scene import CALLER_KEY, CREDENTIALS, PROXY, PeerTest, seen, tags


class Httpx(PeerTest, unittest.IsolatedAsyncioTestCase):
    def client(self, connection: str) -> httpx.AsyncClient:
        """HTTP/2 without TLS, by prior knowledge: what a caller beside the gateway uses."""
        return httpx.AsyncClient(http1=False, http2=True, base_url=PROXY, headers=tags(connection), timeout=20)

    async def test_http2_from_the_caller_to_an_http1_upstream(self):
        async with self.client("httpx") as client:
            answer = await client.post("/items?a=1", json={"n": 1})
        self.assertEqual((answer.status_code, answer.http_version), (200, "HTTP/2"), answer.text)
        record = self.only_seen("/httpx")
        self.assertEqual((record["http"], record["url"]), ("1.1", "/httpx/items?a=1"))
        self.assertEqual(json.loads(record["bytes"]), {"n": 1})
        self.assertEqual(record["headers"]["authorization"], f"Bearer {CREDENTIALS['httpx']}")

    async def test_http2_to_an_upstream_that_offers_it_by_alpn(self):
        async with self.client("secure") as client:
            answer = await client.get("/items")
        self.assertEqual((answer.status_code, answer.http_version), (200, "HTTP/2"), answer.text)
        record = self.only_seen("/secure")
        self.assertEqual(record["http"], "2.0")
        self.assertEqual(record["headers"]["x-api-key"], CREDENTIALS["secure"])

    async def test_http1_to_the_same_upstream_when_the_connection_says_so(self):
        async with self.client("secure-1") as client:
            answer = await client.get("/items")
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(self.only_seen("/one")["http"], "1.1")

    async def test_a_certificate_nobody_vouches_for_is_refused(self):
        async with self.client("distrusted") as client:
            answer = await client.get("/items")
        self.assertEqual((answer.status_code, answer.headers["attache-error"]), (502, "upstream_tls"))
        self.assertEqual(seen("/distrusted"), [])

    async def test_two_hundred_requests_at_once_on_one_link(self):
        async with self.client("secure") as client:
            answers = await asyncio.gather(*(client.get(f"/many/{it}") for it in range(200)))
        self.assertEqual([it.status_code for it in answers], [200] * 200)
        self.assertEqual([it.json()["url"] for it in answers], [f"/secure/many/{it}" for it in range(200)])
        self.assertEqual(len(seen("/secure")), 200)

    async def test_a_body_streams_both_ways_over_http2(self):
        async def pieces():
            for _ in range(64):
                yield b"x" * 65536

        async with self.client("secure") as client:
            answer = await client.put("/up", content=pieces())
            self.assertEqual(answer.json()["length"], 64 * 65536)
            self.only_seen("/secure")
            async with client.stream("GET", f"/down?bytes={16 << 20}") as answer:
                self.assertEqual(sum([len(it) async for it in answer.aiter_bytes()]), 16 << 20)
            self.only_seen("/secure")

    async def test_an_unmodified_client_with_a_base_url_and_a_bearer_token(self):
        headers = {"Authorization": f"Bearer {CALLER_KEY}"}
        async with httpx.AsyncClient(base_url=f"{PROXY}/c/httpx", headers=headers, timeout=20) as client:
            answer = await client.get("/items")
        self.assertEqual((answer.status_code, answer.http_version), (200, "HTTP/1.1"), answer.text)
        self.assertEqual(self.only_seen("/httpx")["headers"]["authorization"], f"Bearer {CREDENTIALS['httpx']}")
