"""Prometheus and Alertmanager as a team has them beside the shop: a rule, a route, and a receiver that counts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from e2e.foreign import SAFE
from gameday.cluster.resources import Object

IMAGE: Final = "localhost/gameday-monitoring:dev"
SHOP: Final = "localhost/gameday-shop:dev"
USER: Final = "gameday"
PASSWORD: Final = "for-tests"
HASH: Final = "$2b$05$W1Locpx3uhqtVzUSvgSe5.SRLDvzlNuA4esmTVYjCRKcc.tnXt3/e"
"""That password, as bcrypt has it."""
RULES: Final = {
    "groups": [
        {
            "name": "shop",
            "rules": [
                {
                    "alert": "WebhooksFail",
                    "expr": 'sum(increase(shop_webhooks_total{status="503"}[10s])) > 0',
                    "labels": {"severity": "page"},
                },
                {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
            ],
        }
    ]
}
"""The second one always fires, as those do by which people see that alerts arrive at all."""
ROUTES: Final = {
    "route": {
        "receiver": "nobody",
        "group_wait": "1s",
        "group_interval": "1s",
        "routes": [{"matchers": ['severity="page"'], "receiver": "team"}],
    },
    "receivers": [
        {"name": "team", "webhook_configs": [{"url": "http://pager/", "send_resolved": False}]},
        {"name": "nobody"},
    ],
}


def monitoring(certificates: Path) -> Iterator[Object]:
    """Prometheus behind TLS of a private CA and basic auth, Alertmanager, and the team's pager."""
    certificate, key, ca = (certificates / name for name in ("prometheus.crt", "prometheus.key", "ca.crt"))
    scrape = {"job_name": "api", "static_configs": [{"targets": ["api:80"]}]}
    alertmanagers = {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:80"]}]}]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["/etc/monitoring/rules.yml"],
        "scrape_configs": [scrape],
        "alerting": alertmanagers,
    }
    files = {"cert_file": "/etc/monitoring/tls.crt", "key_file": "/etc/monitoring/tls.key"}
    yield secret(
        "prometheus",
        {
            "prometheus.yml": yaml.safe_dump(config),
            "rules.yml": yaml.safe_dump(RULES),
            "web.yml": yaml.safe_dump({"tls_server_config": files, "basic_auth_users": {USER: HASH}}),
            "tls.crt": certificate.read_text(),
            "tls.key": key.read_text(),
        },
    )
    yield secret("prometheus-user", {"password": PASSWORD})
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "private-ca"},
        "data": {"ca.crt": ca.read_text()},
    }
    options = ("--config.file=/etc/monitoring/prometheus.yml", "--storage.tsdb.path=/tmp/data")
    # An Alertmanager that begins later has missed the first message, and would get the next one after a minute.
    more = ("--web.config.file=/etc/monitoring/web.yml", "--rules.alert.resend-delay=1s")
    yield from server("prometheus", ("prometheus", *options, *more), 9090, 443)
    yield secret("alertmanager", {"alertmanager.yml": yaml.safe_dump(ROUTES)})
    options = ("--config.file=/etc/monitoring/alertmanager.yml", "--storage.path=/tmp/data")
    yield from server("alertmanager", ("alertmanager", *options, "--cluster.listen-address="), 9093, 80)
    yield from server("pager", ("python3", "-m", "shop", "alerts"), 8080, 80, SHOP)


def secret(name: str, data: Mapping[str, str]) -> Object:
    """A Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(data)}


def server(name: str, command: Sequence[str], listens: int, port: int, image: str = IMAGE) -> Iterator[Object]:
    """A Deployment of one pod, with the Secret of its name as its configuration, and its Service."""
    mounts = [{"name": "tmp", "mountPath": "/tmp"}, {"name": "config", "mountPath": "/etc/monitoring"}]
    container: Object = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "ports": [{"containerPort": listens}],
        "readinessProbe": {"tcpSocket": {"port": listens}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "384Mi"}},
        "securityContext": dict(SAFE),
        "volumeMounts": mounts,
    }
    config: dict[str, Any] = {"name": "config", "secret": {"secretName": name, "optional": True}}
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}, config],
    }
    labels = {"app": name}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": spec},
        },
    }
    ports = [{"port": port, "targetPort": listens}]
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": dict(labels), "ports": ports},
    }
