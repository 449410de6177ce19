"""What a kubelet that is started anew makes of a pod that was deleted before."""

import subprocess
import time
from collections.abc import Iterator
from typing import Final

from trials.birth.namespace import CLUSTER, Row, TrialNamespace, agent, wait

GRACE: Final = 30
WAY: Final = "deleted at birth"


def rows(ns: TrialNamespace) -> Iterator[Row]:
    """Whether it lives on, and until when."""
    ns.apply(agent("born", grace=GRACE), agent("long"))
    ns.running("born", "long")
    at = ns.delete_at_birth("born", "long")
    time.sleep(20)
    subprocess.run([str(CLUSTER), "kill", "kubelet"], check=True)
    time.sleep(5)
    yield Row("kubelet started anew", WAY, "runs" if ns.lives("long") else "ended", ns.lives("long"))
    took = wait(lambda: not ns.lives("born"), 90)
    text = "runs on" if took is None else f"ended {time.time() - at:.0f} s after its deletion"
    yield Row(f"grace of {GRACE} s, kubelet started anew after 20 s", WAY, text, time.time() - at < GRACE + 10)
    signals = ns.ask("logs", "long").count("SIGTERM")
    yield Row("SIGTERM by the new kubelet", WAY, f"sent {signals} times in all", True)
