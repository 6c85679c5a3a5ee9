"""A server of HTTP in a thread of the test."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Answers(BaseHTTPRequestHandler):
    """Hands each request to `answer`, with its whole body."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together, or each waits 40 ms for the other's receipt

    def answer(self, body: bytes) -> None:
        """To be written by a subclass, which calls `send` once."""
        raise NotImplementedError

    def send(self, status: int, content: Any, **headers: str) -> None:
        """Send bytes as they are, anything else as JSON; `_` in a header's name is `-`."""
        plain = isinstance(content, bytes)
        body = content if plain else json.dumps(content).encode()
        kind = "application/octet-stream" if plain else "application/json"
        self.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": len(body), "Content-Type": kind, **given}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(body)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serve(handler: type[Answers]) -> Iterator[str]:
    """The address of a server that runs as long as the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
