"""A person's browser, as far as a server needs one that asks nothing."""

import http.client
import urllib.parse


def redirected(url: str) -> str:
    """Where the page leads."""
    parts = urllib.parse.urlsplit(url)
    link = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        link.request("GET", f"{parts.path}?{parts.query}")
        answer = link.getresponse()
        assert answer.status == 302, (answer.status, answer.read())
        return answer.headers["Location"]
    finally:
        link.close()
