"""A receiver of messages as a pod: it keeps what it got in its log, and answers as the path says.

``/ok`` accepts; ``/limited`` asks twice to come again in 2 s, then accepts; ``/silent`` takes a message in and never
answers; ``/broken`` refuses.
"""

import json
from typing import Any

from e2e.namespaces import IMAGE, TeamNamespace, kubectl
from gameday.cluster.resources import Object

PROGRAM = """
import json, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
seen, lock = {}, threading.Lock()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_):
        pass
    def do_GET(self):
        self.answer(200, {})
    def answer(self, status, headers, text=b"ok"):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = self.path.split("/")[1]
        with lock:
            seen[kind] = seen.get(kind, 0) + 1
            number = seen[kind]
        limited = kind == "limited" and number <= 2
        got = {"path": self.path, "accepted": not limited and kind in ("ok", "limited"), "body": body}
        got["authorization"] = self.headers.get("Authorization", "")
        with lock:  # One line each, whatever else is printed at this moment.
            print(json.dumps(got), flush=True)
        if kind == "silent":
            time.sleep(3600)
        elif limited:
            self.answer(429, {"Retry-After": "2"}, b"slow down")
        elif kind == "broken":
            self.answer(404, {}, b"no_service")
        else:
            self.answer(200, {})
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""


def receiver() -> list[Object]:
    """The Deployment and the Service."""
    labels = {"app": "receiver"}
    container = {
        "name": "receiver",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", PROGRAM],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "receiver"},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "receiver"},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]


def received(ns: TeamNamespace, path: str = "/") -> list[dict[str, Any]]:
    """What came in at paths that begin like this, in order."""
    lines = kubectl("-n", ns.namespace, "logs", "deployment/receiver").stdout.splitlines()
    # Beside them stands what the server says of connections that broke.
    found = [json.loads(line) for line in lines if line.startswith('{"path"')]
    return [one for one in found if one["path"].startswith(path)]
