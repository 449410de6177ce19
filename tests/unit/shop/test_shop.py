"""What the shop does, and what each defect takes away."""

import asyncio
import itertools
import time
from typing import Any

from shop import clear_stalled, replay_dlq
from shop.breaker import RESTS
from unit.redis_server import RedisServer
from unit.shop.conftest import Open, Shop, until

SUM = ("done", "failed", "depth", "active", "buffered")


def balanced(counts: dict[str, Any]) -> bool:
    return bool(counts["accepted"] == sum(counts[name] for name in SUM))


async def still_balanced(shop: Shop) -> bool:
    return balanced(await shop.queue())


async def down(shop: Shop) -> bool:
    return bool((await shop.get("/healthz"))["redis"] == "down")


async def up(shop: Shop) -> bool:
    return bool((await shop.get("/healthz"))["redis"] == "ok")


async def breaker_open(shop: Shop) -> bool:
    return bool((await shop.queue())["breaker"] != "closed")


async def done(shop: Shop, count: int) -> bool:
    return int((await shop.queue())["done"]) >= count


async def test_webhooks_are_worked_off_and_every_count_balances_at_every_moment(shop: Open) -> None:
    async with shop(replicas=3, workers=2) as one:
        for n in range(60):
            assert await one.hook(replica=n % 3) == 202
            assert balanced(await one.queue(n % 3))
        await until(lambda: done(one, 60), "all are done")
        counts = await one.queue()
        assert (counts["accepted"], counts["depth"], counts["breaker"]) == (60, 0, "closed")
        assert counts["processingRate"] > 1
        assert (await one.get("/healthz"))["redisLatency"] < 0.5


async def test_an_outage_is_told_refused_alerted_and_nothing_is_lost(shop: Open, redis: RedisServer) -> None:
    async with shop() as one:
        assert await one.hook() == 202
        await until(lambda: done(one, 1), "the first is done")
        redis.stop()
        assert await one.hook() == 202, "before the loss is known, webhooks are accepted into the outbox"
        await until(lambda: down(one), "health says so")
        await until(lambda: breaker_open(one), "the breaker opens")
        assert await one.hook() == 503
        assert (await one.get("/healthz"))["redisLatency"] == 1.0

        async def alerted() -> bool:
            return await one.alerted() == 1

        await until(alerted, "the team is alerted")
        redis.go_on()
        await until(lambda: up(one), "health is back")
        await until(lambda: done(one, 2), "what was accepted is done")
        await asyncio.sleep(1)
        assert balanced(await one.queue())
        assert await one.alerted() == 1, "one alert an outage"
        assert await one.hook() == 202


async def test_no_replica_ever_tells_numbers_that_do_not_balance(shop: Open, redis: RedisServer) -> None:
    async with shop(replicas=3, workers=2) as one:
        looks = itertools.count()
        told: list[dict[str, Any]] = []

        async def load() -> None:
            for n in itertools.count():
                await one.hook(replica=n % 3)
                await asyncio.sleep(0.02)

        async def look() -> None:
            while True:
                told.extend([counts for n in range(3) if not balanced(counts := await one.queue(n))])
                next(looks)
                await asyncio.sleep(0.01)

        busy = [asyncio.create_task(load()), asyncio.create_task(look())]
        await until(lambda: done(one, 10), "jobs flow")
        redis.stop()
        await until(lambda: breaker_open(one), "the breaker opens")
        redis.go_on()
        before = int((await one.queue())["done"])
        await until(lambda: done(one, before + 20), "jobs flow again")
        for task in busy:
            assert not task.done()
            task.cancel()
        assert next(looks) > 50
        assert told == []


async def test_a_redis_that_refuses_is_told_and_its_restart_is_found(shop: Open, redis: RedisServer) -> None:
    async with shop() as one:
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        assert await down(one)
        assert await one.hook() == 503
        await redis.start()
        await until(lambda: up(one), "health is back")
        assert await one.hook() == 202
        await until(lambda: done(one, 1), "jobs flow")


async def test_a_shop_that_buffers_takes_a_thousand_and_no_more(shop: Open, redis: RedisServer) -> None:
    async with shop(on_outage="buffer", workers=0) as one:
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        answers = [await one.hook() for _ in range(1002)]
        assert answers == [202] * 1000 + [503] * 2
        assert (await one.get("/healthz"))["buffered"] == 1000
        await redis.start()

        async def written() -> bool:
            counts = await one.queue()
            return bool(counts["buffered"] == 0 and counts["depth"] == 1000)

        await until(written, "the buffer is written")
        assert balanced(await one.queue())


async def test_the_queues_numbers_need_the_key(shop: Open) -> None:
    async with shop(workers=0) as one:
        for headers in ({}, {"X-API-Key": "wrong"}):
            async with one.session.get(one.urls[0] + "/queue/metrics", headers=headers) as answer:
                assert answer.status == 401


async def test_logs_and_metrics_tell_of_an_outage(shop: Open, redis: RedisServer) -> None:
    async with shop(workers=0) as one:
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        lines = (await one.get("/logs?level=error"))["lines"]
        assert any("the breaker opens" in line["message"] for line in lines)
        assert {line["level"] for line in lines} == {"error"}
        async with one.session.get(one.urls[0] + "/metrics") as answer:
            assert "process_resident_memory_bytes" in await answer.text()


async def test_dead_letters_are_kept_and_replayed(shop: Open) -> None:
    async with shop() as one:
        await one.hook({"fail": "once"})

        async def dead() -> bool:
            return bool((await one.queue())["failed"] == 1)

        await until(dead, "the job failed")
        assert len((await one.get("/queue/dlq"))["jobs"]) == 1
        await replay_dlq.main(one.settings)
        await until(lambda: done(one, 1), "the replayed job is done")
        counts = await one.queue()
        assert counts["failed"] == 0
        assert balanced(counts)


async def test_a_job_that_a_dead_worker_held_is_put_back(shop: Open, redis: RedisServer) -> None:
    async with shop(workers=0) as one:
        await one.hook()

        async def waiting() -> bool:
            return bool((await one.queue())["depth"] == 1)

        await until(waiting, "the job waits")
        async with redis.client() as client:
            await client.lmove("bull:jobs:wait", "bull:jobs:active")
        await clear_stalled.main(one.settings)
        await until(waiting, "the job waits again")


async def test_lie_healthy_says_ok_while_redis_is_away(shop: Open, redis: RedisServer) -> None:
    async with shop(frozenset({"LIE_HEALTHY"}), workers=0) as one:
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        assert not await down(one)


async def test_never_reconnect_stays_down_with_an_open_breaker(shop: Open, redis: RedisServer) -> None:
    async with shop(frozenset({"NEVER_RECONNECT"}), workers=0) as one:
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        await redis.start()
        await asyncio.sleep(RESTS + 0.5)
        assert await down(one)
        assert (await one.queue())["breaker"] == "open"
        assert await one.hook() == 503


async def test_stuck_worker_takes_no_job_after_an_outage(shop: Open, redis: RedisServer) -> None:
    async with shop(frozenset({"STUCK_WORKER"})) as one:
        await one.hook()
        await until(lambda: done(one, 1), "it works at first")
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        await redis.start()
        await until(lambda: up(one), "health is back")
        await one.hook()
        await asyncio.sleep(3)
        counts = await one.queue()
        assert (counts["done"], counts["depth"]) == (0, 1), "the new Redis knows nothing of the first job"


async def test_without_a_breaker_each_webhook_waits_for_redis_in_vain(shop: Open, redis: RedisServer) -> None:
    async with shop(frozenset({"NO_BREAKER"}), workers=0) as one:
        assert await one.hook() == 202
        redis.stop()
        for _ in range(3):
            began = time.monotonic()
            assert await one.hook() == 503
            assert time.monotonic() - began > 0.9
            assert not await breaker_open(one)
        assert await down(one)
        redis.go_on()
        await until(lambda: up(one), "health is back")
        assert await one.hook() == 202
        await until(lambda: still_balanced(one), "it balances")


async def test_lose_buffer_forgets_what_it_accepted(shop: Open, redis: RedisServer) -> None:
    async with shop(frozenset({"LOSE_BUFFER"})) as one:
        # The webhook is on its way before the loss can be known.
        answer, _ = await asyncio.gather(one.hook(), redis.kill())
        assert answer == 202
        await until(lambda: breaker_open(one), "the breaker opens")
        await redis.start()
        await until(lambda: up(one), "health is back")
        await asyncio.sleep(1)
        counts = await one.queue()
        assert counts["accepted"] == sum(counts[name] for name in SUM) + 1


async def test_silent_alerts_tells_nobody(shop: Open, redis: RedisServer) -> None:
    async with shop(frozenset({"SILENT_ALERTS"}), workers=0) as one:
        await redis.kill()
        await until(lambda: breaker_open(one), "the breaker opens")
        await asyncio.sleep(1)
        assert await one.alerted() == 0
