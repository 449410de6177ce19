"""The HTTP front of ``orders``: POST /orders enqueues one, GET /healthz asks the broker."""

import itertools
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kombu.exceptions import OperationalError

from orders import app, pay

NUMBERS = itertools.count(1)


class Front(BaseHTTPRequestHandler):
    """One request, in a thread of its own."""

    def do_GET(self) -> None:
        """Whether the process lives, or with /healthz whether the broker does."""
        if self.path != "/healthz":
            self.answer(200, {})
            return
        try:
            with app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1)
        except OperationalError as error:
            self.answer(503, {"broker": str(error)})
        else:
            self.answer(200, {"broker": "ok"})

    def do_POST(self) -> None:
        """Enqueue an order."""
        try:
            task = pay.delay(next(NUMBERS))
        except OperationalError as error:
            self.answer(503, {"error": str(error)})
        else:
            self.answer(202, {"id": task.id})

    def answer(self, status: int, body: dict[str, str]) -> None:
        """Answer with JSON."""
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    with app.connection_for_write() as first:
        first.ensure_connection()
    ThreadingHTTPServer(("", 8080), Front).serve_forever()
