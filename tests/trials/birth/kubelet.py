"""What a kubelet that is started anew makes of a pod that was deleted before."""

import subprocess
import time
from collections.abc import Iterator
from typing import Final

from trials.birth.house import CLUSTER, House, Row, agent, wait

GRACE: Final = 30
WAY: Final = "deleted at birth"


def rows(house: House) -> Iterator[Row]:
    """Whether it lives on, and until when."""
    house.apply(agent("born", grace=GRACE), agent("long"))
    house.running("born", "long")
    at = house.delete_at_birth("born", "long")
    time.sleep(20)
    subprocess.run([str(CLUSTER), "kill", "kubelet"], check=True)
    time.sleep(5)
    yield Row("kubelet started anew", WAY, "runs" if house.lives("long") else "ended", house.lives("long"))
    took = wait(lambda: not house.lives("born"), 90)
    text = "runs on" if took is None else f"ended {time.time() - at:.0f} s after its deletion"
    yield Row(f"grace of {GRACE} s, kubelet started anew after 20 s", WAY, text, time.time() - at < GRACE + 10)
    signals = house.ask("logs", "long").count("SIGTERM")
    yield Row("SIGTERM by the new kubelet", WAY, f"sent {signals} times in all", True)
