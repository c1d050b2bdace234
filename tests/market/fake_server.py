"""A server on the loopback interface that answers as a test tells it to, and remembers what it was asked.

Protects: sources are tested against bytes on a real connection, and never against the public services.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx


class Server:
    """A server with one answer, that remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.base_url = ""

    @property
    def path(self) -> str:
        return urlsplit(self.asked[-1]).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.asked[-1]).query).items()}


@contextmanager
def serving() -> Iterator[Server]:
    answers = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked.append(self.path)
            answers.sent.append({name.casefold(): value for name, value in self.headers.items()})
            self.send_response(answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answers.body)))
            self.end_headers()
            with suppress(ConnectionError):  # the client stops listening to what is too long
                self.wfile.write(answers.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    answers.base_url = f"http://127.0.0.1:{listener.server_port}"
    yield answers
    listener.shutdown()
    thread.join()
    listener.server_close()


def a_client() -> httpx.AsyncClient:
    """A client that reads no certificate store: that takes longer than the tests, and nothing here is encrypted."""
    return httpx.AsyncClient(verify=False)
