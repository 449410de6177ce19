"""Pods that are deleted at birth, tried on the test cluster: ``python -m trials.birth [PART...]``.

Prints a table of what was found; the decision that it led to is docs/dev/adr/0001-agents-that-nobody-counts.md. Parts
are scaling, life and network, and ``kubelet``, which kills the node's kubelet once: others on the cluster would see it.
"""

import argparse
import sys
import threading
import time

from trials.birth import kubelet, life, network, scaling
from trials.birth.namespace import Row, trial_namespace


def main() -> int:
    """1 where a part could not be tried."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("parts", nargs="*", default=["scaling", "life", "network"])
    options = parser.parse_args()
    wanted: list[str] = options.parts
    if unknown := set(wanted) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(unknown))}: the parts are {', '.join(PARTS)}")
    found: dict[str, list[Row]] = {part: [] for part in wanted}
    failed: list[str] = []

    def run(part: str) -> None:
        with trial_namespace() as one:
            try:
                for row in PARTS[part].rows(one):
                    found[part].append(row)
                    print(f"{time.strftime('%H:%M:%S')} {line(row)}", file=sys.stderr, flush=True)
            except (RuntimeError, OSError) as error:
                failed.append(f"{part}: {error}")
            finally:
                if part == "scaling":
                    scaling.without_metrics()

    threads = [threading.Thread(target=run, args=(part,)) for part in wanted if part != "kubelet"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if "kubelet" in wanted:
        run("kubelet")
    print("| Question | Way | Found | Holds |\n|---|---|---|---|")
    for rows in found.values():
        for row in rows:
            print(line(row))
    for text in failed:
        print(f"not tried to the end: {text}", file=sys.stderr)
    return 1 if failed else 0


PARTS = {"scaling": scaling, "life": life, "network": network, "kubelet": kubelet}


def line(row: Row) -> str:
    """A row of the table."""
    return f"| {row.about} | {row.way} | {row.found.replace('|', '/')} | {'yes' if row.holds else 'no'} |"


if __name__ == "__main__":
    sys.exit(main())
