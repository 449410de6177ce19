"""A small platform with an HTTP API, as Render's: it hosts services, which calls suspend, resume, restart and scale.

Standard library only, so that it runs from a ConfigMap in any image with Python: ``python3 hosting.py PORT``. Who calls
must send the token in ``TOKEN``. What it was asked is kept and can be read at ``/calls``. A suspended service answers
503 at ``/services/NAME``, as the platform's router does.
"""

import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Platform:
    """What the platform remembers; ``takes`` are seconds from a good answer until a call has its effect."""

    token: str = "a-token-for-tests"
    takes: float = 0.0
    calls: list[dict[str, Any]] = field(default_factory=list)
    suspended: dict[str, bool] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers to calls, which have no effect then."""
    loses: int = 0
    """How many of the next calls are carried out, and have no answer."""
    answers_after: float = 0.0
    """Seconds from a call until it is answered; it is carried out at once."""
    restarts_for: float = 0.0
    """Seconds for which a service is away after a call that restarts it."""
    instances: dict[str, int] = field(default_factory=dict)
    """How many instances a service has, where it was scaled; before that it is 1."""

    def turn(self, service: str, suspended: bool) -> None:
        """Have a call take its effect."""
        threading.Timer(self.takes, self.suspended.__setitem__, (service, suspended)).start()

    def asked(self, verb: str) -> list[dict[str, Any]]:
        """The calls of one verb: suspend, resume, restart, scale."""
        return [call for call in self.calls if call["path"].endswith(f"/{verb}")]


def handler(platform: Platform) -> type[BaseHTTPRequestHandler]:
    """What answers for a platform."""

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name in the base class
            """Say nothing: tests read ``calls``."""

        def do_GET(self) -> None:
            """What a service is, what was called, or the service itself."""
            parts = self.path.strip("/").split("/")
            if parts[0] == "calls":
                self._answer(200, {"calls": platform.calls})
            elif parts[0] == "services":
                down = platform.suspended.get(parts[1], False)
                self._answer(503 if down else 200, {"service": parts[1]})
            elif self._admitted():
                down = platform.suspended.get(parts[2], False)
                state, instances = "suspended" if down else "not_suspended", platform.instances.get(parts[2], 1)
                self._answer(200, {"id": parts[2], "suspended": state, "numInstances": instances})

        def do_POST(self) -> None:
            """Suspend, resume, restart or scale a service."""
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            if not self._admitted():
                return
            _, _, service, verb = self.path.strip("/").split("/")
            status = platform.answers.pop(0) if platform.answers else 202
            platform.calls.append({"path": self.path, "at": time.time(), "body": body, "status": status})
            if status < 300 and verb in {"suspend", "resume"}:
                platform.turn(service, verb == "suspend")
            if status < 300 and verb == "restart" and platform.restarts_for:
                platform.suspended[service] = True
                threading.Timer(platform.restarts_for, platform.suspended.__setitem__, (service, False)).start()
            if status < 300 and verb == "scale":
                platform.instances[service] = json.loads(body)["numInstances"]
            time.sleep(platform.answers_after)
            if platform.loses:
                platform.loses -= 1
                self.close_connection = True
                self.connection.close()
                return
            self._answer(status, {"id": service})

        def _admitted(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {platform.token}":
                return True
            self._answer(401, {"message": "unauthorized"})
            return False

        def _answer(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Handler


def serve(platform: Platform, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """A server that answers for a platform, in threads of its own; the caller shuts it down."""
    server = ThreadingHTTPServer((host, port), handler(platform))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    made = Platform(os.environ["TOKEN"], float(os.environ.get("TAKES") or 0))
    made.answers_after = float(os.environ.get("ANSWERS_AFTER") or 0)
    made.restarts_for = float(os.environ.get("RESTARTS_FOR") or 0)
    serving = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), handler(made))
    serving.serve_forever()
