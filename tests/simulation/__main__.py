"""``python -m simulation``: many worlds, one after the other; each that breaks a promise is made small and printed.

Exits 1 when any promise was broken, a trouble did not come when it was due, or a kind of trouble never bit. ``--seed``
replays one world and tells all that it breaks.
"""

import argparse
import gc
import logging
import sys
import time
from collections import Counter

from simulation import running
from simulation.bare import world as bare
from simulation.outcome import Outcome
from simulation.scenario import DRAWN, Scenario, What, draw
from simulation.shrinking import shrink

USUAL = 60
"""Samples of a drill up to which its speed is told apart: a drill whose operator is long away has more to read."""
ENOUGH = 1000
"""Drills among which every kind of trouble must have bitten: each is drawn some fifty times."""
SHOWN = 10
"""Most worlds that are made small and printed."""


def scenario_of(seed: int, *, whole: bool) -> Scenario:
    """The scenario of a seed: two drills in a world of the whole operator, one in a bare world."""
    return draw(seed, 2 if whole else 1)


def run(scenario: Scenario, *, whole: bool) -> Outcome:
    """What comes of it."""
    return running.run(scenario) if whole else bare.run(scenario)


def tell(outcome: Outcome, *, whole: bool) -> None:
    """Print a world that breaks a promise, and the smallest that still does."""
    rule = outcome.broken[0].rule
    small = shrink(outcome.scenario, rule, lambda scenario: run(scenario, whole=whole))
    print(f"seed {outcome.scenario.seed}{' --whole' if whole else ''}: {outcome.broken[0]}")
    for trial in small.trials:
        print(f"    {trial}")
    for failure in small.failures:
        print(f"    {failure}")
    print(f"    replicas: {small.replicas}", flush=True)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drills", type=int, default=5000, help="how many drills (default: 5000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--whole", action="store_true", help="the whole operator, a tenth as fast")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.disable()
    if options.seed is not None:
        outcome = run(scenario_of(options.seed, whole=options.whole), whole=options.whole)
        print(outcome.scenario, *outcome.broken, dict(outcome.verdicts), sep="\n")
        return 1 if outcome.broken else 0
    return many(options.first, options.drills, whole=options.whole)


def many(first: int, drills: int, *, whole: bool) -> int:
    """Run worlds until so many drills were run; the exit code."""
    done, samples, seed, broken = 0, 0, first, 0
    verdicts: Counter[str] = Counter()
    drawn: Counter[What] = Counter()
    bit: Counter[What] = Counter()
    missed = 0
    began = time.process_time()
    usual, spent = 0, 0.0
    while done < drills:
        before = time.process_time()
        outcome = run(scenario_of(seed, whole=whole), whole=whole)
        done += len(outcome.scenario.trials)
        samples += outcome.samples
        if outcome.samples <= USUAL * len(outcome.scenario.trials):
            usual += len(outcome.scenario.trials)
            spent += time.process_time() - before
        verdicts += outcome.verdicts
        drawn.update(failure.what for failure in outcome.scenario.failures)
        bit.update(outcome.effective.keys())
        missed += len(outcome.missed)
        if outcome.broken:
            broken += 1
            if broken <= SHOWN:
                tell(outcome, whole=whole)
        seed += 1
        if seed % 100 == 0:
            gc.collect()
    seconds = time.process_time() - began
    counted = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(
        f"seeds {first} to {seed - 1}: {done} drills in {seconds:.0f} s of one core, {done / seconds * 60:.0f} a minute"
    )
    print(f"of these {usual} with up to {USUAL} samples, {usual / spent * 60:.0f} a minute")
    print(f"{samples / done:.0f} samples a drill; {counted}; {broken} worlds broke a promise")
    never = unbitten(drawn, bit) if done >= ENOUGH else []
    for line in never:
        print(line)
    if missed:
        print(f"{missed} troubles were due and did not come")
    return 1 if broken or never or missed else 0


def unbitten(drawn: Counter[What], bit: Counter[What]) -> list[str]:
    """Print in how many worlds each kind of trouble bit; what is to be said of those that never did."""
    print("in how many worlds somebody met each trouble, of those drawn:")
    print(", ".join(f"{what.value} {bit[what]}/{drawn[what]}" for what in DRAWN))
    return [f"{what.value}: drawn {drawn[what]} times, and nobody ever met it" for what in DRAWN if not bit[what]]


if __name__ == "__main__":
    sys.exit(main())
