"""The odd requests: families of them, each a name and the bytes, the same for every proxy.

`SLOT` stands for the connection that a request is tagged with, and is the only thing that differs between runs.
"""

from dataclasses import dataclass

KEY = "a-caller-key-of-the-differential-test"
TAGS = f"Attache-Key: {KEY}\r\nAttache-Connection: SLOT\r\n"
CONTROLS = [*range(0x00, 0x20), 0x7F]
NAMES = {0x00: "NUL", 0x09: "TAB", 0x0A: "LF", 0x0B: "VT", 0x0C: "FF", 0x0D: "CR", 0x20: "SP", 0x7F: "DEL", 0xA0: "NBSP"}


@dataclass(frozen=True)
class Case:
    family: str
    name: str
    sent: bytes
    @property
    def title(self) -> str:
        return f"{self.family}: {self.name}"

    @property
    def may_wait(self) -> bool:
        """Not whole, or not to everybody: an answer may never come."""
        return self.title in WAITING

    @property
    def method(self) -> str:
        return self.sent.lstrip(b"\r\n").split(b" ", 1)[0].decode("latin-1")


def byte_name(byte: int) -> str:
    return NAMES.get(byte) or (chr(byte) if 0x20 < byte < 0x7F else f"0x{byte:02x}")


def request(method="GET", target="/t", fields="", body="", version="HTTP/1.1", host="Host: gateway\r\n", tags=TAGS, line=None) -> bytes:
    """Text is Latin-1, so that every byte can be written."""
    line = f"{method} {target} {version}" if line is None else line
    return f"{line}\r\n{host}{tags}{fields}\r\n{body}".encode("latin-1")


def with_length(body: str) -> str:
    return f"Content-Length: {len(body)}\r\n"


CHUNKED = "Transfer-Encoding: chunked\r\n"
ONE_CHUNK = "3\r\nabc\r\n0\r\n\r\n"


def methods():
    plain = "GET HEAD PUT PATCH DELETE OPTIONS PURGE PROPFIND M-SEARCH QUERY REPORT get Get a.b!c".split()
    for it in plain:
        yield it, request(it)
    for it in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"]:
        yield f"{it} with a body", request(it, fields=with_length("abc"), body="abc")
    yield "POST without a length", request("POST")
    yield "TRACE", request("TRACE")
    yield "CONNECT to an authority", request("CONNECT", "gateway:443", host="Host: gateway:443\r\n")
    yield "CONNECT to a path", request("CONNECT")
    yield "PRI", request("PRI")
    yield "of 200 letters", request("X" * 200)
    yield "OPTIONS *", request("OPTIONS", "*")
    yield "GET *", request("GET", "*")
    yield "OPTIONS with Max-Forwards: 0", request("OPTIONS", fields="Max-Forwards: 0\r\n")
    yield "OPTIONS with Max-Forwards: 5", request("OPTIONS", fields="Max-Forwards: 5\r\n")
    for it in "(),/:;<=>?@[\\]{}\"":
        yield f"with {it}", request(f"G{it}T")
    for byte in [0x00, 0x09, 0x0B, 0x7F, 0xE9]:
        yield f"with {byte_name(byte)}", request(f"G{chr(byte)}T")
    yield "empty", request("")


def bytes_in_paths():
    for byte in [*CONTROLS, *range(0x20, 0x30), *range(0x3A, 0x41), *range(0x5B, 0x61), *range(0x7B, 0x7F), 0x80, 0xA0, 0xC3, 0xFF]:
        yield byte_name(byte), request(target=f"/a{chr(byte)}b")


def bytes_in_queries():
    for byte in [0x00, 0x01, 0x09, 0x0B, 0x20, 0x22, 0x23, 0x3C, 0x3E, 0x3F, 0x5B, 0x5C, 0x5E, 0x60, 0x7B, 0x7C, 0x7F, 0x80, 0xFF]:
        yield byte_name(byte), request(target=f"/a?b{chr(byte)}c")


def dot_segments():
    for it in """/../x /./x /a/.. /a/. /a/../b /a/./b /a//../b /../../x /%2e%2e/x /%2E%2e/x /.%2e/x /%2e/x /a%2f..%2fb /..%2fx /..%5cx
      /..\\x /a\\..\\b /..;/x /..;a=b/x /%2e%2e;/x /%252e%252e/x /..%252fx /a%252f..%252fb /%2e%252e/x /..%00/x /.%00./x /%c0%ae%c0%ae/x
      /..%c0%afx /%u002e%u002e/x /%ef%bc%8e%ef%bc%8e/x /..%20/x /..%09/x /..%0d%0a/x""".split():
        yield it, request(target=it)


def paths():
    for it in """/ /.well-known/x /..a /a.. /... /a/.b /.a/ //a ///a /a//b /a/// /a%2Fb /a%2fb /a%5Cb /%2e%2e%2e /a%00b /%41 /%7euser /~user /a%zz /a% /a%2
      /100%/x /a;v=1/b;w /;x /@host/x /:80/x /http://evil.test/ /a'()*!$&,=:@ /a%0d%0aX-Injected:%201 /a%0aX:1 /a%20b /a+b /caf%C3%A9 /%ff /%25 /%2525
      /index.php/x /a/b/c/d/e/f/g""".split():
        yield it, request(target=it)


def queries():
    for it in """? ?? ?a ?a= ?=b ?a=b&c=d ?a&&b ?&a ?a=%2F ?a=%2f ?a=/../b ?a=b+c ?a=b%20c ?a=http://evil.test/ ?a?b ?a;b ?a[]=1 ?a=%zz ?a=%00 ?a=%0d%0aX:1
      ?a=1&a=2&A=3 ?a={b} ?a='b'""".split():
        yield it, request(target=f"/t{it}")
    for it in ["#x", "?a=b#c", "#?a=b", "?#", "##"]:
        yield f"fragment {it}", request(target=f"/t{it}")
    for kib in [1, 4, 7]:
        yield f"of {kib} KiB", request(target=f"/t?{'a' * (kib * 1024)}")


def target_forms():
    for it in """http://gateway/t http://gateway http://GATEWAY/t HTTP://gateway/t http://gateway:80/t https://gateway/t http://evil.test/t http://u:p@gateway/t
      http://gateway@evil.test/t ftp://gateway/t file:///t http:/gateway/t http:///t http:gateway/t http:\\\\gateway/t http://gateway\\@evil.test/t
      http://gateway?x=/t http://gateway#/t http://[::1]/t http://gateway.evil.test/t x t/u @evil.test/t :80/t .evil.test/t /\\evil.test/t \\\\evil.test\\t
      gateway:80 ?a=b #x * //evil.test/t ws://gateway/t""".split():
        yield it, request(target=it)
    yield "none", request(line="GET HTTP/1.1")
    yield "two spaces before it", request(line="GET  /t HTTP/1.1")
    yield "a tab before it", request(line="GET\t/t HTTP/1.1")
    yield "a space behind it", request(line="GET /t  HTTP/1.1")
    yield "two targets", request(line="GET /t /u HTTP/1.1")


def versions():
    for it in ["HTTP/1.0", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9", "HTTP/1.10", "HTTP/01.1", "HTTP/1", "HTTP/1.", "HTTP/.1",
               "HTTP/-1.1", "http/1.1", "Http/1.1", "HTTPS/1.1", "HTTP 1.1", "HTTP/1.1 ", "HTTP/1.1\t", "HTTP/1.1x", "HTTP/ 1.1", "HTTP/1,1", "ICY/1.1"]:  # fmt: skip
        yield repr(it), request(version=it)
    yield "none", request(line="GET /t")
    yield "HTTP/1.0 without Host", request(version="HTTP/1.0", host="")
    yield "HTTP/1.0 that keeps its link", request(version="HTTP/1.0", fields="Connection: keep-alive\r\n")
    yield "HTTP/1.0 with a body", request("POST", version="HTTP/1.0", fields=with_length("abc"), body="abc")


def hosts():
    for it in ["", "gateway:80", "gateway:", "gateway:x", "gateway:99999", "GATEWAY", "a.b.c", "127.0.0.1", "[::1]", "[::1]:80", "[::1", "::1", "a_b", "-a", "a..b", ".a", "a.",
               "a b", "a,b", "a, b", "a/b", "a?b", "a#b", "a@b", "u:p@a", "a\\b", "a%20b", "a;b", "(a)", "<a>", "a\"b", "a\tb", "\xe9", "http://a", "x" * 300]:  # fmt: skip
        yield repr(it[:20]), request(host=f"Host: {it}\r\n")
    yield "none", request(host="")
    yield "two", request(host="Host: gateway\r\nHost: evil.test\r\n")
    yield "two equal", request(host="Host: gateway\r\nHost: gateway\r\n")
    yield "folded", request(host="Host:\r\n gateway\r\n")
    yield "a space before the colon", request(host="Host : gateway\r\n")
    yield "a space before it", request(host=" Host: gateway\r\n")
    yield "not the absolute form's", request(target="http://gateway/t", host="Host: evil.test\r\n")
    yield "last", request(host="", fields="Host: gateway\r\n")


def field_names():
    for byte in [*CONTROLS, *map(ord, " !#$%&'*+-.^_`|~\"(),/;<=>?@[\\]{}"), 0x80, 0xA0, 0xE9]:
        if byte not in (0x0A,):
            yield byte_name(byte), request(fields=f"X{chr(byte)}A: 1\r\n")
    yield "empty", request(fields=": 1\r\n")
    yield "no colon", request(fields="X-A\r\n")
    yield "a space alone", request(fields=" \r\n")
    yield "a space before the colon", request(fields="X-A : 1\r\n")
    yield "a tab before the colon", request(fields="X-A\t: 1\r\n")
    yield "a space before the name", request(fields=" X-A: 1\r\n")
    yield "a digit", request(fields="1: 1\r\n")
    yield "of 1 KiB", request(fields=f"{'x' * 1024}: 1\r\n")
    yield "in many cases", request(fields="x-A: 1\r\nX-a: 2\r\nX-A: 3\r\n")


def field_values():
    for byte in [*CONTROLS, 0x80, 0xA0, 0xC3, 0xE9, 0xFF]:
        if byte not in (0x0A,):
            yield byte_name(byte), request(fields=f"X-A: a{chr(byte)}b\r\n")
    for name, it in {"empty": "", "spaces alone": "   ", "spaces around": "  a  ", "tabs around": "\ta\t", "no space behind the colon": None, "quotes": '"a, \\"b"',
                     "a comma alone": ",", "UTF-8": "\xc3\xa9", "a colon": ":a:", "an encoded line end": "a%0d%0aX: 1"}.items():  # fmt: skip
        yield name, request(fields="X-A:a\r\n" if it is None else f"X-A: {it}\r\n")
    yield "folded with a space", request(fields="X-A: a\r\n b\r\n")
    yield "folded with a tab", request(fields="X-A: a\r\n\tb\r\n")
    yield "folded over nothing", request(fields="X-A:\r\n \r\n b\r\n")
    yield "of 4 KiB", request(fields=f"X-A: {'a' * 4096}\r\n")


def duplicates():
    yield "three of a name, in order", request(fields="X-A: 1\r\nX-B: 0\r\nX-A: 2\r\nX-A: 3\r\n")
    yield "a name in two cases", request(fields="X-A: 2\r\nx-a: 1\r\n")
    for name in ["Accept", "Cookie", "Content-Type", "User-Agent", "Referer", "Range", "If-Match", "Via", "X-Forwarded-For", "Date"]:
        yield f"two {name}", request(fields=f"{name}: a\r\n{name}: b\r\n")
    yield "two Authorization", request(fields="Authorization: Bearer mine\r\nauthorization: Basic mine\r\n")
    yield "Authorization", request(fields="Authorization: Bearer mine\r\n")
    yield "Authorization with underscores around", request(fields="Authorization_: mine\r\n_Authorization: mine\r\n")


def underscores():
    for name in ["X_A", "Content_Length", "Transfer_Encoding", "X_Forwarded_For", "Host_", "Connection_", "_", "a_b_c"]:
        yield name, request(fields=f"{name}: 1\r\n")


def many_and_huge():
    for count in [50, 90, 99, 120, 500]:
        yield f"{count} fields", request(fields="".join(f"X-{it}: 1\r\n" for it in range(count)))
    yield "a field of 7 KiB", request(fields=f"X-A: {'a' * 7168}\r\n")
    yield "a field of 60 KiB", request(fields=f"X-A: {'a' * 61440}\r\n")
    yield "a field of 1 MiB", request(fields=f"X-A: {'a' * 2**20}\r\n")
    yield "a target of 12 KiB", request(target="/" + "a" * 12288)
    yield "a target of 17 KiB", request(target="/" + "a" * 17408)
    yield "a target of 1 MiB", request(target="/" + "a" * 2**20)
    yield "a body of 1 MiB", request("POST", fields=with_length("a" * 2**20), body="a" * 2**20)
    chunk = f"{2**16:x}\r\n{'a' * 2**16}\r\n"
    yield "chunks of 1 MiB", request("POST", fields=CHUNKED, body=f"{chunk * 16}0\r\n\r\n")
    yield "1 MiB of small chunks", request("POST", fields=CHUNKED, body=f"{'1' + chr(13) + chr(10) + 'a' + chr(13) + chr(10)}" * 20000 + "0\r\n\r\n")
    yield "a cookie of 4 KiB", request(fields=f"Cookie: a={'b' * 4096}\r\n")


def lengths():
    for it in ["0", "5", "05", "00000000000000000005", "+5", "-5", " 5 ", "5 5", "0x5", "5_0", "5.0", "5e0", "five", "", "5;x", "\x0b5", "5\x0b", "\xa05", "5,5", "5, 5", "5, 6", "0, 5",
               ",5", "5,", "18446744073709551615", "18446744073709551616", "18446744073709551621", "9" * 40, "\"5\"", "\t5\t", "٥".encode().decode("latin-1")]:  # fmt: skip
        yield repr(it[:24]), request("POST", fields=f"Content-Length: {it}\r\n", body="hello")
    for name, it in {
        "two equal": "Content-Length: 5\r\nContent-Length: 5\r\n",
        "two different": "Content-Length: 5\r\nContent-Length: 6\r\n",
        "two different, 0 first": "Content-Length: 0\r\nContent-Length: 5\r\n",
        "three equal": "Content-Length: 5\r\n" * 3,
        "a space before the colon": "Content-Length : 5\r\n",
        "a tab before the colon": "Content-Length\t: 5\r\n",
        "a space before the name": " Content-Length: 5\r\n",
        "folded": "Content-Length:\r\n 5\r\n",
        "behind a bare CR": "X-A: a\rContent-Length: 5\r\n",
        "behind a bare LF": "X-A: a\nContent-Length: 5\r\n",
        "in capitals": "CONTENT-LENGTH: 5\r\n",
    }.items():
        yield name, request("POST", fields=it, body="hello")


def encodings():
    for it in ["chunked", "Chunked", "CHUNKED", " chunked ", "xchunked", "chunkedx", "identity", "gzip", "", ",chunked", "chunked,", "chunked, chunked", "identity, chunked",
               "chunked, identity", "gzip, chunked", "chunked, gzip", "chunked;a=b", "\"chunked\"", "\x0bchunked", "chunked\x0b", "chunked\x00", "\xa0chunked", "\tchunked", "chun ked"]:  # fmt: skip
        yield repr(it), request("POST", fields=f"Transfer-Encoding: {it}\r\n", body="0\r\n\r\n")
    for name, it in {
        "chunked twice": CHUNKED * 2,
        "chunked and identity": f"{CHUNKED}Transfer-Encoding: identity\r\n",
        "identity and chunked": f"Transfer-Encoding: identity\r\n{CHUNKED}",
        "a length before": f"Content-Length: 5\r\n{CHUNKED}",
        "a length behind": f"{CHUNKED}Content-Length: 5\r\n",
        "a longer length behind": f"{CHUNKED}Content-Length: 50\r\n",
        "a length, and unknown": "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
        "a length, and identity": "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        "two lengths, and chunked": f"{'Content-Length: 5' + chr(13) + chr(10)}" * 2 + CHUNKED,
        "a space before the colon": "Transfer-Encoding : chunked\r\n",
        "a space before the name": " Transfer-Encoding: chunked\r\n",
        "folded": "Transfer-Encoding:\r\n chunked\r\n",
        "behind a bare CR": "X-A: a\rTransfer-Encoding: chunked\r\n",
        "behind a bare LF": "X-A: a\nTransfer-Encoding: chunked\r\n",
        "with an underscore, and a length": "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n",
        "as a listed field": f"Connection: Transfer-Encoding\r\n{CHUNKED}",
    }.items():
        yield name, request("POST", fields=it, body="0\r\n\r\n")
    yield "in HTTP/1.0", request("POST", version="HTTP/1.0", fields=CHUNKED, body=ONE_CHUNK)
    yield "in a GET", request("GET", fields=CHUNKED, body=ONE_CHUNK)
    yield "in a HEAD", request("HEAD", fields=CHUNKED, body=ONE_CHUNK)


def chunks():
    for it in ["3", "03", "0000000000000003", "00000000000000000000003", "+3", "-3", "0x3", "3_0", " 3", "3 ", "3\t", "3 0", "", "x", "g", "3h", "A", "a", "10000000000000003", "ffffffffffffffff", "3;", "3;a",
               "3;a=b", "3; a = b ", "3;a=\"b;c\"", "3 ;a", "3;a\x00b", "3;a\x7fb", "3\x0b", "3,3", "3.0", ";a"]:  # fmt: skip
        body = f"{it}\r\nabcdefghij\r\n0\r\n\r\n" if it in ("A", "a") else f"{it}\r\nabc\r\n0\r\n\r\n"
        yield f"size {it!r}", request("POST", fields=CHUNKED, body=body)
    for name, it in {
        "a bare LF behind the size": "3\nabc\r\n0\r\n\r\n",
        "a bare CR behind the size": "3\rabc\r\n0\r\n\r\n",
        "a bare LF behind the data": "3\r\nabc\n0\r\n\r\n",
        "a bare CR behind the data": "3\r\nabc\r0\r\n\r\n",
        "nothing behind the data": "3\r\nabc0\r\n\r\n",
        "other bytes behind the data": "3\r\nabcxx0\r\n\r\n",
        "more data than said": "3\r\nabcdef\r\n0\r\n\r\n",
        "less data than said": "5\r\nabc\r\n0\r\n\r\n",
        "a bare LF in an extension": "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "a bare CR in an extension": "3;a\rb\r\nabc\r\n0\r\n\r\n",
        "a bare LF behind the last size": "3\r\nabc\r\n0\n\r\n",
        "a bare LF at the end": "3\r\nabc\r\n0\r\n\n",
        "bare LFs alone": "3\nabc\n0\n\n",
        "a last size of two zeros": "3\r\nabc\r\n00\r\n\r\n",
        "no last chunk": "3\r\nabc\r\n",
        "no end behind the last chunk": "3\r\nabc\r\n0\r\n",
        "an extension of 20 KiB": f"3;{'a' * 20480}\r\nabc\r\n0\r\n\r\n",
        "a hundred extensions of 1 KiB": f"1;{'a' * 1024}\r\nx\r\n" * 100 + "0\r\n\r\n",
    }.items():
        yield name, request("POST", fields=CHUNKED, body=it)


def trailers():
    for name, it in {
        "announced": "X-Sum: 7\r\n",
        "of framing": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "of routing": "Host: evil.test\r\n",
        "of authorization": "Authorization: Bearer mine\r\n",
        "that are no field": "no field\r\n",
        "folded": "X-Sum: 7\r\n 8\r\n",
        "with a NUL": "X-Sum: \x00\r\n",
        "of 1 MiB": f"X-Sum: {'a' * 2**20}\r\n",
    }.items():
        yield name, request("POST", fields=f"TE: trailers\r\nTrailer: X-Sum\r\n{CHUNKED}", body=f"3\r\nabc\r\n0\r\n{it}\r\n")
    yield "not announced", request("POST", fields=CHUNKED, body="3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")


def hop_by_hop():
    for it in ["keep-alive", "close", "Keep-Alive, close", "close, keep-alive", "upgrade", "TE", "X-Hop", "x-hop, X-Other", "Host", "Authorization", "Cookie", "Content-Length", "Content-Type", "Attache-Connection",
               "", ",", "\"close\"", "clo se"]:  # fmt: skip
        fields = f"Connection: {it}\r\nX-Hop: 1\r\nX-Other: 2\r\nCookie: a=b\r\nContent-Type: text/plain\r\n{with_length('abc')}"
        yield f"Connection: {it}", request("POST", fields=fields, body="abc")
    yield "two Connection fields", request(fields="Connection: X-Hop\r\nConnection: close\r\nX-Hop: 1\r\n")
    for it in ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Connection: close", "Proxy-Authorization: Basic eDp5", "Proxy-Authenticate: Basic", "TE: trailers", "TE: gzip", "TE: trailers, gzip",
               "Trailer: X-Sum", "Via: 1.1 a", "Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil.test", "X-Forwarded-Proto: https", "X-Real-IP: 1.2.3.4", "X-Original-URL: /admin", "X-Rewrite-URL: /admin",
               "Max-Forwards: 0", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate: a=1", "baggage: a=1", "Attache-Request-Id: mine-1", "X-HTTP-Method-Override: DELETE",
               "Accept-Encoding: gzip", "Origin: https://a.test", "Alt-Used: a", "DNT: 1"]:  # fmt: skip
        fields = f"{it}\r\n"
        yield it, (request(fields=fields) if not it.startswith("Proxy-Authorization") else request(fields=fields))


def expectations():
    for it in ["100-continue", "100-Continue", "100-continue, x", "200-ok", "", "x"]:
        yield repr(it), request("POST", fields=f"Expect: {it}\r\n{with_length('abc')}", body="abc")
    yield "without a body", request(fields="Expect: 100-continue\r\n")
    yield "with chunks", request("POST", fields=f"Expect: 100-continue\r\n{CHUNKED}", body=ONE_CHUNK)
    yield "in HTTP/1.0", request("POST", version="HTTP/1.0", fields=f"Expect: 100-continue\r\n{with_length('abc')}", body="abc")


def upgrades():
    handshake = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for it in ["websocket", "h2c", "WebSocket", "websocket, h2c", "TLS/1.0", "x"]:
        yield f"to {it}", request(fields=f"Connection: Upgrade\r\nUpgrade: {it}\r\n{handshake}")
    yield "to h2c with settings", request(fields="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n")
    yield "without Connection", request(fields=f"Upgrade: websocket\r\n{handshake}")
    yield "without Upgrade", request(fields=f"Connection: Upgrade\r\n{handshake}")
    yield "of a POST", request("POST", fields=f"Connection: Upgrade\r\nUpgrade: websocket\r\n{with_length('abc')}{handshake}", body="abc")
    yield "in HTTP/1.0", request(version="HTTP/1.0", fields=f"Connection: Upgrade\r\nUpgrade: websocket\r\n{handshake}")


def pipelines():
    plain = request(target="/one")
    yield "two", plain + request(target="/two")
    yield "three", plain + request(target="/two") + request(target="/three")
    yield "a body, then a GET", request("POST", "/one", fields=with_length("abc"), body="abc") + request(target="/two")
    yield "chunks, then a GET", request("POST", "/one", fields=CHUNKED, body=ONE_CHUNK) + request(target="/two")
    yield "a GET with a body, then a GET", request("GET", "/one", fields=with_length("abc"), body="abc") + request(target="/two")
    yield "one that closes, then another", request(target="/one", fields="Connection: close\r\n") + request(target="/two")
    yield "one of HTTP/1.0, then another", request(target="/one", version="HTTP/1.0") + request(target="/two")
    yield "a good one, then garbage", plain + b"\x16\x03\x01\x02\r\n\r\n"
    yield "a good one, then one without Host", plain + request(target="/two", host="")
    yield "a HEAD, then a GET", request("HEAD", "/one") + request(target="/two")
    yield "empty lines between", plain + b"\r\n\r\n" + request(target="/two")
    yield "a length that holds a request", request("POST", "/one", fields=with_length(request(target="/two").decode("latin-1")), body=request(target="/two").decode("latin-1"))


def bodies():
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]:
        yield f"{method} with a length", request(method, fields=with_length("abc"), body="abc")
    yield "GET with a length of 0", request(fields="Content-Length: 0\r\n")
    yield "POST with a length of 0", request("POST", fields="Content-Length: 0\r\n")
    yield "bytes of every value", request("POST", fields=with_length("".join(map(chr, range(256)))), body="".join(map(chr, range(256))))
    yield "shorter than its length", request("POST", fields="Content-Length: 10\r\n", body="abc")
    yield "none behind its length", request("POST", fields="Content-Length: 10\r\n")
    yield "bytes behind a GET", request(body="abc\r\n\r\n")
    yield "an empty line behind a GET", request(body="\r\n")


def line_ends():
    good = request()
    yield "bare LFs", good.replace(b"\r\n", b"\n")
    yield "a bare LF behind the request line", good.replace(b"\r\n", b"\n", 1)
    yield "a bare LF behind a field", request(fields="X-A: a\nX-B: b\r\n")
    yield "a bare LF at the end", good[:-2] + b"\n"
    yield "bare CRs", good.replace(b"\r\n", b"\r")
    yield "a bare CR behind the request line", good.replace(b"\r\n", b"\r", 1)
    yield "two CRs", good.replace(b"\r\n", b"\r\r\n", 1)
    yield "an empty line before", b"\r\n" + good
    yield "five empty lines before", b"\r\n" * 5 + good
    yield "a bare LF before", b"\n" + good
    yield "a space before", b" " + good
    yield "a NUL before", b"\0" + good
    yield "a mark of UTF-8 before", b"\xef\xbb\xbf" + good
    yield "an empty line in the head", request(fields="\r\nX-A: 1\r\n")
    yield "garbage", b"\x16\x03\x01\x02garbage\r\n\r\n"
    yield "half a head", good[:-4]
    yield "half a line", b"GET /t HT"


FAMILIES = {
    "method": methods, "byte in the path": bytes_in_paths, "byte in the query": bytes_in_queries, "dot segment": dot_segments, "path": paths, "query": queries,
    "form of the target": target_forms, "version": versions, "host": hosts, "field name": field_names, "field value": field_values, "duplicate": duplicates,
    "underscore": underscores, "many and huge": many_and_huge, "length": lengths, "encoding": encodings, "chunk": chunks, "trailer": trailers, "hop by hop": hop_by_hop,
    "expectation": expectations, "upgrade": upgrades, "pipeline": pipelines, "body": bodies, "line end": line_ends,
}  # fmt: skip

WAITING = {
    "chunk: size 'ffffffffffffffff'", "chunk: a bare LF at the end", "chunk: no last chunk", "chunk: no end behind the last chunk",
    "body: shorter than its length", "body: none behind its length", "line end: half a head", "line end: half a line",
}  # fmt: skip


def every() -> list[Case]:
    cases = [Case(family, *made) for family, make in FAMILIES.items() for made in make()]
    titles = [it.title for it in cases]
    twice = {it for it in titles if titles.count(it) > 1}
    assert not twice, f"two cases of one name: {twice}"
    assert WAITING <= set(titles), f"no such cases: {WAITING - set(titles)}"
    return cases
