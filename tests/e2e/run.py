"""Runs e2e tests against the test cluster: ``python tests/e2e/run.py [--rights] [-m MARKS] [-n JOBS] [for pytest]``.

Brings the CRDs up to date once, for all tests, and hands pytest the cluster's kubectl. Tests marked ``alone`` come
last, one after the other: they need the whole machine. A few that failed beside others run once more in the same way,
and are named: on two busy cores the cluster's DNS may not answer for seconds, and a drill then rightly ends
Inconclusive. What fails again, or fails with many others, fails the run. With ``--rights`` the rights given are held
against those used afterwards, which fails unless the run was of all tests.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

FAILED = 1
"""Pytest's exit code when tests failed, and nothing else went wrong."""
MOST_AGAIN = 6
"""Most tests that are run once more: with more than these, something else is wrong."""
NOTHING = 5
"""Pytest's exit code when no test was selected."""
SERVED = 60.0
"""Seconds after which new kinds should have been served."""
ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
STAGES = ROOT / "build" / "stages.jsonl"
"""What the last run's stages were, for whoever compares again."""


def serve(environment: dict[str, str]) -> None:
    """Wait until the API server serves the kinds.

    A new kind is not yet in the list of kinds that kubectl asks for, and its storage asks to come back later for some
    seconds, which kubectl does.
    """
    kinds = ["kubectl", "get", "drills.gameday.dev,gamedays.gameday.dev", "-A", "-o", "name"]
    end = time.monotonic() + SERVED
    while subprocess.run(kinds, check=False, env=environment, stdout=subprocess.DEVNULL).returncode:
        if time.monotonic() > end:
            sys.exit(f"e2e: after {SERVED:.0f} s the API server does not serve the kinds of crds/")
        time.sleep(0.2)


def again(command: list[str], environment: dict[str, str]) -> int:
    """Run the few tests that have failed beside others once more, one after the other; pytest's exit code."""
    failed = sorted(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.exists() else []
    if not 0 < len(failed) <= MOST_AGAIN:
        return FAILED
    code = subprocess.run([*command, "--last-failed"], check=False, env=environment, cwd=ROOT).returncode
    how = "passed alone" if code == 0 else "not all of them passed alone"
    print(f"e2e: failed beside others, {how}: {', '.join(failed)}", flush=True)
    return code


def main() -> int:
    """Pytest's exit code."""
    path = subprocess.run([str(CLUSTER), "path"], check=True, capture_output=True, text=True).stdout.strip()
    config = subprocess.run([str(CLUSTER), "kubeconfig"], check=True, capture_output=True, text=True).stdout.strip()
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--rights", action="store_true")
    parser.add_argument("-m", dest="marks", default="e2e")
    parser.add_argument("-n", dest="jobs", default="1")
    options, rest = parser.parse_known_args()
    STAGES.parent.mkdir(exist_ok=True)
    STAGES.write_text("")
    environment = os.environ | {
        "PATH": f"{path}:{os.environ['PATH']}",
        "KUBECONFIG": config,
        "GAMEDAY_KUBECONFIG": config,
        "GAMEDAY_STAGES": str(STAGES),
    }
    subprocess.run(["kubectl", "apply", "-k", str(ROOT / "crds")], check=True, env=environment, stdout=sys.stderr)
    serve(environment)
    # The demo's operator sees every namespace: it would carry the tests' drills out as well.
    subprocess.run(
        ["kubectl", "delete", "namespace", "gameday-system", "--ignore-not-found"],
        check=True,
        env=environment,
        stdout=sys.stderr,
    )
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "e2e"), "--durations=0", "-q", *rest]
    code = NOTHING
    for marks, jobs in ((f"({options.marks}) and not alone", options.jobs), (f"({options.marks}) and alone", "1")):
        several = ["-n", jobs, "--dist=worksteal"] if jobs != "1" else []
        selected = [*command, "-m", marks]
        ended = subprocess.run(
            [*selected, *several, "--cache-clear"], check=False, env=environment, cwd=ROOT
        ).returncode
        if ended == FAILED and several:
            ended = again(selected, environment)
        code = ended if code in {0, NOTHING} and ended != NOTHING else code
    print(f"e2e: {time.monotonic() - began:.0f} s", flush=True)
    if options.rights:
        compare = [sys.executable, "-m", "e2e.rights", str(STAGES)]
        environment |= {"PYTHONPATH": str(ROOT / "tests")}
        code = subprocess.run(compare, check=False, env=environment).returncode or code
    return code


if __name__ == "__main__":
    sys.exit(main())
