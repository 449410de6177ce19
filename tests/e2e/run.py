"""Runs e2e tests against the test cluster: ``python tests/e2e/run.py [pytest arguments]``.

Brings the CRDs up to date once, for all tests, and hands pytest the cluster's kubectl.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "tests" / "cluster" / "cluster"


def main() -> int:
    """Pytest's exit code."""
    path = subprocess.run([str(CLUSTER), "path"], check=True, capture_output=True, text=True).stdout.strip()
    config = subprocess.run([str(CLUSTER), "kubeconfig"], check=True, capture_output=True, text=True).stdout.strip()
    environment = os.environ | {
        "PATH": f"{path}:{os.environ['PATH']}",
        "KUBECONFIG": config,
        "GAMEDAY_KUBECONFIG": config,
    }
    subprocess.run(["kubectl", "apply", "-k", str(ROOT / "crds")], check=True, env=environment, stdout=sys.stderr)
    # The demo's operator sees every namespace: it would carry the tests' drills out as well.
    subprocess.run(
        ["kubectl", "delete", "namespace", "gameday-system", "--ignore-not-found"],
        check=True,
        env=environment,
        stdout=sys.stderr,
    )
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "e2e"), "--durations=0", "--dist=worksteal", "-q"]
    done = subprocess.run([*command, *sys.argv[1:]], check=False, env=environment, cwd=ROOT)
    print(f"e2e: {time.monotonic() - began:.0f} s")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
