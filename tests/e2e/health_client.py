"""A client of a dependency in a test's namespace: it asks the dependency whenever it is asked, and answers in JSON."""

from collections.abc import Mapping
from typing import Any, Final

from gameday.cluster.resources import Object

IMAGE: Final = {"image": "localhost/gameday-shop:dev", "imagePullPolicy": "IfNotPresent"}
"""One with Python and its client of Redis, and with Redis' own programs."""
PORT: Final = 8080
ASKS: Final = """
def answer():
    try:
        ask()
        return {"OF": "ok"}
    except Exception as error:
        return {"OF": type(error).__name__}
"""
SERVES: Final = f"""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(answer()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("", {PORT}), Health).serve_forever()
"""


def health_client(
    program: str, settings: Mapping[str, str | Object], of: str = "redis", *, name: str = "client", **pod: Any
) -> tuple[Object, Object]:
    """Its Service and its Deployment, both of this name.

    Args:
        program: Python that defines ``ask()``, which raises where the dependency does not answer; or, where ``of`` is
            "", ``answer()``, which returns what is answered.
        settings: environment variables, each a value or what it is read from.
        of: the key of the answer, whose value is "ok" or the name of the exception.
        name: of the objects, and of the label ``app`` of the pod.
        pod: further fields of the pod's spec; ``volumeMounts`` are the container's.

    """
    variables = [{"name": key, "value" if isinstance(it, str) else "valueFrom": it} for key, it in settings.items()]
    container = IMAGE | {
        "name": name,
        "command": ["python3", "-c", program + (ASKS.replace("OF", of) if of else "") + SERVES],
        "env": variables,
        "volumeMounts": pod.pop("volumeMounts", []),
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    labels, metadata = {"app": name}, {"name": name}
    service = {"selector": labels, "ports": [{"port": 80, "targetPort": PORT}]}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container], **pod}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return (
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
    )
