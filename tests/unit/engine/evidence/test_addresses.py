"""The addresses of a name that is cut: when they are known, and what one that is found later makes of the proof."""

import ipaddress
from collections.abc import Iterable
from dataclasses import replace

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.engine.evidence.addresses import COVERED, SETTLED, Addresses
from gameday.engine.evidence.evidence import Evidence
from gameday.engine.evidence.proof import Proof
from gameday.model.addresses import ADDRESSES, AT, DNS, HOST, OTHER_PORT
from gameday.model.agent import SERVERS
from gameday.model.plan import Dependency, Fault, HostTarget, Outage, Plan, Recovery, Selector, SteadyState
from gameday.model.sample import LineType, Sample

NAME = "eu1.redis.test"
WITNESS, CONTROL = "witness-0", "control-0"
BOTH = (WITNESS, CONTROL)
A, B = "203.0.113.7", "203.0.113.8"
Looks = Iterable[tuple[str, float, str | tuple[str, ...]]]
"""Who looked and when, and what was found, or the error."""


def look(agent: str, at: float, found: str | tuple[str, ...], host: str = NAME) -> Sample:
    values = {HOST: host} | ({} if isinstance(found, str) else {ADDRESSES: found})
    error = found if isinstance(found, str) else None
    return Sample(agent, 1, "addresses", at, at, error is None, error, values, type=LineType.ADDRESSES)


def known(looks: Looks, *ranges: str) -> Addresses:
    addresses = Addresses(NAME, tuple(ipaddress.ip_network(one) for one in ranges))
    for agent, at, found in looks:
        addresses.take(look(agent, at, found))
    return addresses


def steady(*found: str, until: float = 40.0, agents: Iterable[str] = BOTH) -> list[tuple[str, float, tuple[str, ...]]]:
    """Looks of these agents that find the same from 0 on."""
    return [(agent, at, found) for at in range(0, int(until) + 1, 5) for agent in agents]


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        pytest.param(steady(A), "", id="the same for long enough"),
        pytest.param([*steady(A), (CONTROL, 9.0, (A, B)), (WITNESS, 9.5, (B,))], "", id="another one, long before"),
        pytest.param(
            [*steady(A), (CONTROL, 12.0, (B,)), (WITNESS, 12.0, (B,))],
            f"its address {B} was found only 28 s before the end of the steady state",
            id="another one, 28 s before",
        ),
        pytest.param(
            [*steady(A), (CONTROL, 9.0, (A, B))], f"{WITNESS} does not find its address {B}", id="only one finds it"
        ),
        pytest.param([*steady(A, until=20.0)], "had no answer from DNS for too long", id="DNS is silent since 20"),
        pytest.param(steady(A, agents=(CONTROL,)), f"{WITNESS} had no answer from DNS for too long", id="one never"),
        pytest.param([*steady(A), (CONTROL, 38.0, DNS)], "", id="one look without an answer"),
        pytest.param(
            [*steady(A), (WITNESS, 2.0, "it has more than 16 addresses")], "witness-0: it has more than 16", id="many"
        ),
        pytest.param(
            [
                *steady(A),
                (
                    CONTROL,
                    2.0,
                    "its address 127.0.0.1 (loopback, link-local, multicast or unspecified) leads to no other machine",
                ),
            ],
            "leads to no other machine",
            id="own",
        ),
    ],
)
def test_a_name_is_known_once_nobody_finds_anything_new(looks: Looks, told: str) -> None:
    doubt = known(looks).doubt(BOTH, 40.0)
    assert doubt.startswith(told) or told in doubt
    assert bool(doubt) == bool(told)


def test_a_name_that_nobody_ever_found_is_not_known() -> None:
    assert "had no answer from DNS" in known([]).doubt(BOTH, 40.0)
    assert Addresses().doubt(BOTH, 40.0) == "", "nothing is looked up where addresses or a Service are cut"


@pytest.mark.parametrize(
    ("lasts", "began", "ready"), [(30.0, 39.9, True), (10.0, 20.0, True), (10.0, 21.0, False), (5.0, 15.0, True)]
)
def test_a_short_steady_state_begins_later(lasts: float, began: float, ready: bool) -> None:
    """However short it is, looks go over 30 s before its end: ``ready`` at 40 is what it waits for."""
    looked = known([(WITNESS, began - 5.0, (A,)), (CONTROL, began, (A,))])
    assert looked.ready(BOTH, 40.0, lasts) is ready
    assert not known([(WITNESS, began, (A,))]).ready(BOTH, 40.0, lasts)


@pytest.mark.parametrize("lasts", [5.0, 10.0, 30.0])
def test_what_was_ready_is_not_doubted_for_the_time_that_dns_takes(lasts: float) -> None:
    took = 1.5
    looked = Addresses(NAME)
    for agent in BOTH:
        looked.take(replace(look(agent, 0.0, (A,)), received=took))
    ready = next(now / 10 for now in range(400) if looked.ready(BOTH, now / 10, lasts))
    for agent in BOTH:
        looked.take(look(agent, ready + lasts - 1.0, (A,)))
    assert looked.doubt(BOTH, ready + lasts) == ""


def test_ranges_are_cut_whatever_is_found_in_them() -> None:
    inside = known([*steady(A), (CONTROL, 39.0, (B,))], "203.0.113.0/24")
    assert (inside.doubt(BOTH, 40.0), inside.first, inside.ready(BOTH, 0.5, 5.0)) == ("", {}, True)
    assert inside.grew(0.0) is None
    outside = known([*steady(A), (CONTROL, 39.0, ("198.51.100.1",))], "203.0.113.0/24")
    assert outside.doubt(BOTH, 40.0).startswith("it has the address 198.51.100.1, which is in none of the ranges")


def test_what_is_said_of_another_name_and_what_is_no_address_is_passed_over() -> None:
    addresses = known(steady(A))
    addresses.take(look(CONTROL, 39.0, (B,), host="another.redis.test"))
    addresses.take(look(CONTROL, 39.0, ("not an address",)))
    assert list(addresses.first) == [A]


def test_an_address_of_the_other_family_is_one_of_the_name() -> None:
    assert sorted(known([*steady(A), (CONTROL, 39.0, (A, "2001:db8::1"))]).first) == ["2001:db8::1", A]


def seen(witness: str, control: str, *, start: float, looks: Looks, at: dict[int, str] | None = None) -> Proof:
    """A proof fed with looks and with one pair's dials of a name every 0.25 s (``.`` good, ``x`` bad)."""
    proof = Proof(range(1), addresses=Addresses(NAME))
    for agent, moment, found in looks:
        proof.take(look(agent, moment, found))
    for agent, letters in ((WITNESS, witness), (CONTROL, control)):
        for n, letter in enumerate(letters):
            sent, good = start + n * 0.25, letter == "."
            where = (at or {}).get(n, A) if good else ""
            values = {AT: where} if where else {}
            error = None if good else "timeout"
            proof.take(Sample(agent, n + 1, f"target:{NAME}:6379", sent, sent, good, error, values, type=LineType.DIAL))
    return proof


def test_a_cut_is_not_proven_by_a_witness_that_does_not_know_every_address() -> None:
    cut = ("....xxxx", "........")
    assert seen(*cut, start=99.0, looks=steady(A, until=100.0)).started(100.0) is not None
    only_control = [*steady(A, until=100.0), (CONTROL, 98.0, (A, B))]
    assert seen(*cut, start=99.0, looks=only_control).started(100.0) is None
    too_late = [*only_control, (WITNESS, 100.5, (A, B))]
    assert seen(*cut, start=99.0, looks=too_late).started(100.0) is None, "it did not dial it when it failed"
    in_time = [*only_control, (WITNESS, 98.5, (A, B))]
    assert seen(*cut, start=99.0, looks=in_time).started(100.0) is not None


def test_an_address_that_is_found_under_the_cut_may_answer_until_it_is_cut_as_well() -> None:
    looks = [*steady(A, until=100.0), (CONTROL, 101.0, (A, B)), (WITNESS, 101.2, (A, B))]
    through = "....xxxx" + "." * 8 + "xxxx"
    at = dict.fromkeys(range(8, 16), B)
    proof = seen(through, "." * 20, start=99.0, looks=looks, at=at)
    assert proof.bypass(100.0, None) is None
    assert proof.addresses.grew(100.0) == (B, 101.0)


def test_what_was_cut_from_the_beginning_is_a_leak_at_once() -> None:
    looks = [*steady(A, until=100.0), (CONTROL, 101.0, (A, B)), (WITNESS, 101.2, (A, B))]
    at = dict.fromkeys(range(8, 10), B) | {10: A}
    leak = seen("....xxxx...", "." * 11, start=99.0, looks=looks, at=at).bypass(100.0, None)
    assert leak is not None
    assert (leak.since, A in leak.detail) == (101.5, True)


def test_what_was_found_before_the_cut_was_proven_is_excused_by_nothing() -> None:
    looks = [*steady(A, until=100.0), (CONTROL, 98.0, (A, B)), (WITNESS, 98.0, (A, B))]
    leak = seen("....xxxx.", "." * 9, start=99.0, looks=looks, at={8: B}).bypass(100.0, None)
    assert leak is not None
    assert leak.since == 101.0


def test_an_address_that_still_answers_once_it_must_be_cut_is_a_leak() -> None:
    looks = [*steady(A, until=100.0), (WITNESS, 101.0, (A, B)), (CONTROL, 101.0, (A, B))]
    letters = int((COVERED + 4.0) / 0.25)
    at = dict.fromkeys(range(8, 8 + letters), B)
    leak = seen("....xxxx" + "." * letters, "." * (8 + letters), start=99.0, looks=looks, at=at).bypass(100.0, None)
    assert leak is not None
    assert leak.since == 101.0 + COVERED


def test_looks_up_to_the_end_are_asked_for_of_everybody() -> None:
    addresses = known([*steady(A), (WITNESS, 41.0, (A,))])
    assert addresses.looked_until(BOTH) == 40.0
    assert not addresses.looked_since(BOTH, 40.5)
    addresses.take(look(CONTROL, 42.0, DNS))
    assert not addresses.looked_since(BOTH, 40.5), "a look without an answer found nothing"
    addresses.take(look(CONTROL, 43.0, (A,)))
    assert addresses.looked_since(BOTH, 40.5)


def test_a_host_whose_servers_are_asked_is_not_known_while_somebody_has_no_answer() -> None:
    silent = f"{SERVERS}203.0.113.7:6379 did not answer (timeout)"
    proof = Proof(range(1), addresses=Addresses(NAME, servers=True))
    for agent, at, found in steady(A):
        proof.take(look(agent, at, found))
    assert proof.addresses.doubt(proof.lookers, 40.0) == ""
    proof.take(look(WITNESS, 41.0, silent))
    proof.take(look(CONTROL, 45.0, (A,)))
    assert not proof.addresses.looked_since(proof.lookers, 41.0)
    assert proof.addresses.doubt(proof.lookers, 41.0) == "", "one look without an answer is no set that cannot be cut"
    doubt = proof.addresses.doubt(proof.lookers, 60.0)
    why = "203.0.113.7:6379 did not answer (timeout)"
    assert doubt == f"{WITNESS} had no answer which servers it has for too long ({why})"
    proof.take(look(CONTROL, 61.0, f"203.0.113.9:7001 {OTHER_PORT}"))
    assert proof.addresses.doubt(proof.lookers, 61.0) == f"{CONTROL}: 203.0.113.9:7001 {OTHER_PORT}"


def test_an_address_that_servers_name_is_looked_at_like_a_name() -> None:
    target = HostTarget("::ffff:203.0.113.7", (6379,), servers=True)
    cut = Fault("partition", NetworkPartition(Selector({"app": "api"}), Dependency("redis", target)))
    plan = Plan("it", (), SteadyState(5.0), Outage(9.0, (cut,)), Recovery(9.0))
    addresses = Evidence(plan, {"partition": range(1)}).proofs["partition"].addresses
    assert (addresses.host, addresses.servers) == (A, True), "as agents are given it"


def test_settled_is_longer_than_a_cache_answers_the_same() -> None:
    assert SETTLED >= 30.0


def test_lines_that_come_out_of_their_order_tell_the_same() -> None:
    """A log that is read again in pieces, or whose agent's clock went back, is handed to the proof anew."""
    dependency = Dependency("redis", HostTarget(NAME, (6379,), ("198.51.100.0/24",)))
    cut = Fault("partition", NetworkPartition(Selector({"app": "api"}), dependency))
    plan = Plan("it", (), SteadyState(5.0), Outage(9.0, (cut,)), Recovery(9.0))
    dial = Sample(WITNESS, 3, f"target:{NAME}:6379", 3.0, 3.1, ok=True, values={AT: B}, type=LineType.DIAL)
    lines = [
        replace(look(WITNESS, 1.0, (A,)), n=1),
        replace(look(WITNESS, 2.0, (A, B, "198.51.100.1")), n=2),
        dial,
        replace(look(WITNESS, 4.0, DNS), n=4),
    ]
    found: list[Proof] = []
    for order in (lines, [*lines[1:], lines[0]], lines[::-1]):
        evidence = Evidence(plan, {"partition": range(1)})
        for line in order:
            evidence.take(line)
        found.append(evidence.proofs["partition"])
    assert [proof.addresses for proof in found] == [found[0].addresses] * 3
    assert found[0].addresses.first == {A: 1.0, B: 2.0}
    assert [proof.dials[WITNESS, dial.name].at for proof in found] == [[B]] * 3
