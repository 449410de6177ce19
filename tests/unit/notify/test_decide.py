"""What follows for messages: each receiver has one pod at a time, and nothing is sent again that may have arrived."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gameday.model.notice import Delivered, Event, Happened, Notified, Outcome, Receiver
from gameday.notify.decide import HAND_OVER, OVERDUE, Batch, NotifierPod, decide
from gameday.notify.kind import EVERYTHING

TEAM = Receiver("team", EVERYTHING)
STARTED, CUT, VERDICT = Happened(Event.STARTED, 0.0), Happened(Event.CUT, 30.0), Happened(Event.VERDICT, 60.0, bad=True)
SENT = Delivered(Outcome.SENT)
UNSENT = Delivered(Outcome.UNSENT)


def pod(*events: Event, **fields: object) -> NotifierPod:
    return NotifierPod("p", "team", events, **fields)  # type: ignore[arg-type]  # what a test names


def test_what_happened_is_sent_by_one_pod_in_order() -> None:
    assert decide([TEAM], [STARTED, CUT], {}, [], 31.0).make == (Batch("team", (Event.STARTED, Event.CUT)),)


def test_while_a_pod_sends_what_follows_waits_for_the_next() -> None:
    waiting = decide([TEAM], [STARTED, CUT], {}, [pod(Event.STARTED, started_at=1.0)], 31.0)
    assert (waiting.make, waiting.over) == ((), False)
    leaving = decide([TEAM], [STARTED, CUT], {"team": {Event.STARTED: SENT}}, [pod(Event.STARTED, leaving=True)], 31.0)
    assert (leaving.make, leaving.delete) == ((), ())


def test_a_pod_is_deleted_only_once_its_words_are_recorded() -> None:
    ended = pod(Event.STARTED, started_at=1.0, ended=True, results={Event.STARTED: SENT})
    first = decide([TEAM], [STARTED], {}, [ended], 5.0)
    assert (first.record, first.delete) == ({"team": {Event.STARTED: SENT}}, ())
    then = decide([TEAM], [STARTED], first.record, [ended], 5.0)
    assert (then.record, then.delete, then.make) == ({}, ("p",), ())


def test_a_pod_that_ended_without_a_word_may_have_sent_it() -> None:
    ended = pod(Event.STARTED, started_at=1.0, ended=True)
    found = decide([TEAM], [STARTED], {}, [ended], 5.0).record["team"][Event.STARTED]
    assert found.outcome is Outcome.UNKNOWN
    assert "not sent again" in found.why


def test_what_a_pod_did_not_begin_is_sent_by_another() -> None:
    ended = pod(Event.STARTED, Event.CUT, started_at=1.0, ended=True, results={Event.STARTED: SENT, Event.CUT: UNSENT})
    first = decide([TEAM], [STARTED, CUT], {}, [ended], 40.0)
    assert first.record == {"team": {Event.STARTED: SENT}}
    then = decide([TEAM], [STARTED, CUT], first.record, [ended], 40.0)
    assert then.delete == ("p",)
    assert decide([TEAM], [STARTED, CUT], first.record, [], 41.0).make == (Batch("team", (Event.CUT,)),)


def test_old_news_are_not_sent_and_said_only_to_who_was_told_before() -> None:
    now = HAND_OVER + 1.0
    fresh = decide([TEAM], [STARTED, VERDICT], {}, [], now)
    assert fresh.make == (Batch("team", (Event.VERDICT,)),)
    assert fresh.record == {}
    told = decide([TEAM], [STARTED, VERDICT], {"team": {Event.VERDICT: SENT}}, [], now, {"team": "quota"})
    assert told.record["team"][Event.STARTED].why == "no pod could begin to send it within 15 min: quota"
    assert decide([TEAM], [STARTED], {}, [], now).over is False
    assert decide([TEAM], [VERDICT], {}, [], 60.0 + HAND_OVER + 1.0).over is True


def test_a_pod_that_does_not_start_or_does_not_end_is_given_up() -> None:
    stuck = pod(Event.STARTED, trouble="no node")
    assert decide([TEAM], [STARTED], {}, [stuck], HAND_OVER - 1).record == {}
    late = decide([TEAM], [STARTED], {}, [stuck], HAND_OVER + 1).record["team"][Event.STARTED]
    assert (late.outcome, "no node" in late.why) == (Outcome.FAILED, True)
    lost = pod(Event.STARTED, started_at=10.0)
    assert decide([TEAM], [STARTED], {}, [lost], 10.0 + OVERDUE - 1).record == {}
    gone = decide([TEAM], [STARTED], {}, [lost], 10.0 + OVERDUE + 1).record["team"][Event.STARTED]
    assert gone.outcome is Outcome.UNKNOWN


def test_a_pod_whose_news_is_over_is_given_up_as_any_other() -> None:
    """What could not be reverted is reverted, while the pod that is to say so cannot start."""
    stuck = pod(Event.LEFTOVER, trouble="no node", made_at=10.0)
    assert decide([TEAM], [VERDICT], {}, [stuck], 10.0 + HAND_OVER - 1).record == {}
    late = decide([TEAM], [VERDICT], {}, [stuck], 10.0 + HAND_OVER + 1).record["team"][Event.LEFTOVER]
    assert (late.outcome, "no node" in late.why) == (Outcome.FAILED, True)


def test_what_is_news_only_until_a_moment_is_not_sent_after_it() -> None:
    near = Happened(Event.COUNTDOWN, 0.0, until=600.0)
    assert decide([TEAM], [near], {}, [pod(Event.COUNTDOWN)], 599.0).record == {}
    late = decide([TEAM], [near], {}, [pod(Event.COUNTDOWN, trouble="no node")], 601.0)
    assert late.record["team"][Event.COUNTDOWN] == Delivered(
        Outcome.FAILED, "no pod could begin to send it within 10 min: no node"
    )
    assert decide([TEAM], [near], late.record, [pod(Event.COUNTDOWN)], 601.0).delete == ("p",)
    assert decide([TEAM], [near], {}, [], 601.0).make == ()


def test_a_receiver_whose_pods_were_all_refused_is_not_passed_over_in_silence() -> None:
    refused = decide([TEAM], [STARTED], {}, [], HAND_OVER + 1.0, {"team": "exceeded quota"})
    assert refused.record["team"][Event.STARTED].why.endswith("within 15 min: exceeded quota")


def test_only_failures_are_told_where_nothing_else_is_wanted() -> None:
    only = Receiver("team", EVERYTHING, only_on_failure=True)
    good = Happened(Event.VERDICT, 60.0)
    assert decide([only], [STARTED, CUT, good], {}, [], 61.0).over
    assert decide([only], [STARTED, CUT, VERDICT], {}, [], 61.0).make == (Batch("team", (Event.VERDICT,)),)


def test_that_nothing_is_left_is_told_to_who_was_told_of_a_leftover() -> None:
    cleared = Happened(Event.CLEARED, 60.0, bad=True)
    assert decide([TEAM], [cleared], {}, [], 61.0).make == ()
    assert decide([TEAM], [cleared], {"team": {Event.LEFTOVER: SENT}}, [], 61.0).make == (
        Batch("team", (Event.CLEARED,)),
    )


def test_a_receiver_keeps_no_other_waiting() -> None:
    other = Receiver("other", EVERYTHING)
    found = decide([TEAM, other], [STARTED], {}, [pod(Event.STARTED, started_at=1.0)], 5.0)
    assert found.make == (Batch("other", (Event.STARTED,)),)


class World:
    """Pods that send, die and vanish, and a process that forgets all but what it recorded."""

    def __init__(self) -> None:
        self.pods: dict[str, NotifierPod] = {}
        self.notified: Notified = {}
        self.sent: list[tuple[str, Event]] = []

    def act(self, happened: list[Happened], now: float, receivers: list[Receiver], stops_after: int) -> bool:
        """One turn of the process, killed after so many of its writes; whether it was over."""
        work = decide(receivers, happened, self.notified, tuple(self.pods.values()), now)
        if work.record and stops_after > 0:
            stops_after -= 1
            self.notified = {
                name: {**work.record.get(name, {}), **self.notified.get(name, {})}
                for name in (*self.notified, *work.record)
            }
        for name in work.delete[:stops_after]:
            del self.pods[name]
        for batch in work.make[: max(0, stops_after - len(work.delete))]:
            name = f"{batch.receiver}-{batch.events[0].value}"
            assert not any(one.receiver == batch.receiver for one in self.pods.values())
            self.pods[name] = NotifierPod(name, batch.receiver, batch.events)
        return work.over

    def run(self, name: str, begins: int, speaks: bool) -> None:
        """A pod sends its first ``begins`` messages and ends, with or without a last word."""
        made = self.pods.get(name)
        if made is None or made.ended:
            return
        done = made.events[:begins]
        self.sent += [(made.receiver, event) for event in done]
        words: Mapping[Event, Delivered] = {event: SENT if event in done else UNSENT for event in made.events}
        self.pods[name] = NotifierPod(
            name, made.receiver, made.events, started_at=1.0, ended=True, results=words if speaks else None
        )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("act"), st.integers(0, 3)),
        st.tuples(st.just("run"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("happens")),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_is_killed_no_message_is_sent_twice_and_each_has_an_outcome(steps: list[tuple[object, ...]]) -> None:
    world, receivers = World(), [TEAM, Receiver("other", frozenset({Event.VERDICT}))]
    course = [STARTED, CUT, VERDICT]
    news: list[Happened] = []
    for step in steps:
        if step[0] == "happens":
            news = course[: len(news) + 1]
        elif step[0] == "act":
            world.act(news, 61.0, receivers, int(str(step[1])))
        else:
            for name in list(world.pods):
                world.run(name, int(str(step[1])), bool(step[2]))
    for _ in range(60):
        over = world.act(course, 61.0, receivers, 99)
        for name in list(world.pods):
            world.run(name, 9, speaks=True)
        if over:
            break
    assert over
    assert len(world.sent) == len(set(world.sent))
    assert {name: set(events) for name, events in world.notified.items()} == {
        "team": {Event.STARTED, Event.CUT, Event.VERDICT},
        "other": {Event.VERDICT},
    }
