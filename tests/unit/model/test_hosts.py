"""Addresses in the one form in which they are compared, and how people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.model.hosts import address_of, by_turns, canonical, host_port, one_form

FOURS, SIXES = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6)


@given(FOURS, st.ip_addresses(v=6).map(lambda one: one.exploded.upper()))
def test_every_way_to_write_an_address_is_one_form(four: str, six: str) -> None:
    assert canonical(four) == canonical(f"::ffff:{four}") == four
    assert canonical(canonical(six)) == canonical(six) == canonical(six.lower())


@pytest.mark.parametrize("text", ["redis.example.com", "/run/redis.sock", "", "fe80::1%eth0", "[::1]"])
def test_what_is_no_address_stays_as_it_is(text: str) -> None:
    assert canonical(text) == text
    assert address_of(text) is None


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("EU1.Redis.test.", "eu1.redis.test"),
        ("redis.shop.svc.cluster.local", "redis.shop.svc"),
        ("redis.shop.svc", "redis.shop.svc"),
        ("redis-0.redis.shop.svc.cluster.local", "redis-0.redis.shop.svc.cluster.local"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
    ],
)
def test_a_host_has_one_form_in_all_plans(host: str, form: str) -> None:
    assert one_form(host) == form


def test_a_port_stands_behind_brackets_where_the_address_has_colons() -> None:
    assert host_port("203.0.113.7", 6379) == "203.0.113.7:6379"
    assert host_port("2001:db8::7", 6379) == "[2001:db8::7]:6379"
    assert host_port("redis.example.com", 6379) == "redis.example.com:6379"


@given(st.lists(FOURS), st.lists(SIXES.map(str)), st.randoms())
def test_the_first_few_hold_both_families_and_none_is_lost(fours: list[str], sixes: list[str], draw: object) -> None:
    mixed = [*fours, *sixes]
    draw.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    turns = by_turns(mixed)
    assert sorted(turns) == sorted(mixed)
    least = min(len(fours), len(sixes))
    assert sum(":" in one for one in turns[: 2 * least]) == least
    assert [one for one in turns if ":" in one] == [one for one in mixed if ":" in one]
