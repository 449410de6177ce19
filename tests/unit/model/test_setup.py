"""The decisions of a preflight: which addresses are one target's."""

from gameday.model.plan import Via
from gameday.model.setup import FarEnd, Setup


def test_the_addresses_of_one_pod_are_one_target() -> None:
    targets = ("10.0.0.1", "10.0.0.2", "fd00::1")
    setup = Setup(Via.CILIUM, FarEnd(), (), targets, also=(("10.0.0.2", "fd00::1"),))
    assert setup.pods() == (("10.0.0.1",), ("10.0.0.2", "fd00::1"))
