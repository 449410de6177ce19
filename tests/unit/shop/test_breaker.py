"""The circuit breaker, by a clock of the test's own."""

from shop.breaker import OPENS_AFTER, RESTS, Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(OPENS_AFTER):
        assert (breaker.state, breaker.closed) == ("closed", True)
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_and_rests() -> None:
    clock = Clock()
    breaker = opened(clock)
    assert (breaker.state, breaker.closed) == ("open", False)
    clock.now = RESTS
    assert (breaker.state, breaker.closed) == ("half-open", False), "half-open is no leave to accept"
    breaker.failed()
    assert breaker.state == "open", "one more failure is enough"
    clock.now = 2 * RESTS
    breaker.succeeded()
    assert (breaker.state, breaker.closed) == ("closed", True)


def test_an_answer_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock())
    for _ in range(3):
        breaker.failed()
        breaker.succeeded()
    assert breaker.closed


def test_without_it_nothing_opens() -> None:
    breaker = Breaker(Clock(), works=False)
    for _ in range(10):
        breaker.failed()
    assert breaker.state == "closed"
