"""An API that answers everything, and keeps what it was asked for as it came."""

import collections
import http.server
import threading

Asked = collections.namedtuple("Asked", "method target headers body")


class Recorder:
    def __init__(self):
        recorder = self
        self.asked: list[Asked] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recorder.asked.append(Asked(self.command, self.path, self.headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def only(self) -> Asked:
        """The one request since this was last asked for."""
        asked, self.asked = self.asked, []
        assert len(asked) == 1, asked
        return asked[0]
