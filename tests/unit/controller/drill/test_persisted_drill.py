"""A drill's record is written by one process: what another has written is never written over."""

import time
from dataclasses import replace

import pytest

from gameday.api.record import status_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.drill.persisted_drill import PersistedDrill, Superseded, _digest
from gameday.errors import Conflict
from gameday.model.record import DrillRecord, Phase
from unit.api.test_migration import VERSION_1
from unit.api_server import ApiServer

OURS, THEIRS = DrillRecord(Phase.OUTAGE, since=1.0), DrillRecord(Phase.RECOVERY, since=2.0)


def a_drill(server: ApiServer, record: DrillRecord) -> Object:
    body = {"metadata": {"name": "first", "uid": "u"}, "spec": {"gameDay": "small"}, "status": status_of(record, 1)}
    return server.put("drills", "shop", body)


def memory_of(cluster: Cluster, drill: Object) -> PersistedDrill:
    return PersistedDrill(cluster, drill, lambda _: None, lambda _, __: None, time.time)


@pytest.mark.parametrize("heard", [False, True], ids=["by a conflict", "by a watch"])
async def test_what_another_process_has_written_ends_this_one(
    heard: bool, api_server: ApiServer, cluster: Cluster
) -> None:
    persisted = memory_of(cluster, a_drill(api_server, OURS))
    newest = a_drill(api_server, THEIRS)
    if heard:
        persisted.update_cached(newest)
    with pytest.raises(Superseded):
        await persisted.save(replace(OURS, outage_started_at=3.0))
    assert api_server.objects["drills", "shop", "first"]["status"]["phase"] == "Recovery"


async def test_an_answer_that_got_lost_leaves_the_record_ours(api_server: ApiServer, cluster: Cluster) -> None:
    persisted = memory_of(cluster, a_drill(api_server, OURS))
    sent = replace(OURS, outage_started_at=3.0)
    persisted._own_writes.sent(_digest({"status": status_of(sent, 1)}))
    a_drill(api_server, sent)
    await persisted.save(THEIRS)
    assert api_server.objects["drills", "shop", "first"]["status"]["phase"] == "Recovery"


async def test_a_status_says_which_generation_it_speaks_of(api_server: ApiServer, cluster: Cluster) -> None:
    """For its conditions as well: kubectl wait looks there where a condition does not say it itself."""
    drill = a_drill(api_server, OURS)
    persisted = memory_of(cluster, drill | {"metadata": drill["metadata"] | {"generation": 3}})
    await persisted.save(THEIRS)
    assert api_server.objects["drills", "shop", "first"]["status"]["observedGeneration"] == 3


async def test_a_drill_under_way_loses_a_condition_that_an_earlier_operator_gave_it(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = a_drill(api_server, OURS)
    old = {"type": "Hindered", "status": "True", "lastTransitionTime": "2026-11-24T12:00:00Z"}
    drill = api_server.put("drills", "shop", drill | {"status": drill["status"] | {"conditions": [old]}})
    await memory_of(cluster, drill).save(THEIRS)
    conditions = api_server.objects["drills", "shop", "first"]["status"]["conditions"]
    assert {one["type"] for one in conditions} == {"Complete", "Passed", "FaultsCleared", "Ready", "Reconciling"}


async def test_a_status_of_another_spec_is_saved_although_nothing_has_changed(
    api_server: ApiServer, cluster: Cluster
) -> None:
    persisted = memory_of(cluster, a_drill(api_server, OURS))
    await persisted.save(persisted.record)
    assert not persisted.must_save
    newest = api_server.objects["drills", "shop", "first"]
    persisted.update_cached(
        api_server.put("drills", "shop", newest | {"metadata": newest["metadata"] | {"generation": 2}})
    )
    assert persisted.must_save


@pytest.mark.parametrize("status", [status_of(OURS, 1), VERSION_1["under the cut"]], ids=["of today", "of version 1"])
async def test_a_drill_that_is_taken_over_is_saved_first_so_that_a_late_write_of_the_process_before_is_refused(
    status: Object, api_server: ApiServer, cluster: Cluster
) -> None:
    """It is in a text that differs: the API server gives no new version to an object that is written as it was."""
    drill = api_server.put("drills", "shop", a_drill(api_server, OURS) | {"status": status | {"operator": ""}})
    persisted = memory_of(cluster, drill)
    assert persisted.must_save
    await persisted.save(persisted.record)
    assert not persisted.must_save
    assert api_server.objects["drills", "shop", "first"]["status"]["state"] != status["state"]
    late = drill | {"status": status_of(THEIRS, 1)}
    with pytest.raises(Conflict):
        await cluster.replace_status(DRILLS, "shop", "first", late)


def test_a_drill_that_never_began_is_not_taken_over(api_server: ApiServer, cluster: Cluster) -> None:
    drill = api_server.put("drills", "shop", {"metadata": {"name": "first", "uid": "u"}, "spec": {"gameDay": "small"}})
    assert not memory_of(cluster, drill).must_save


async def test_what_became_of_messages_stays_when_the_drill_goes_on(api_server: ApiServer, cluster: Cluster) -> None:
    drill = a_drill(api_server, OURS)
    told = [{"name": "team", "sent": ["started"], "failed": ["cut"], "message": "it answered 404"}]
    drill = api_server.put("drills", "shop", drill | {"status": drill["status"] | {"notifications": told}})
    await memory_of(cluster, drill).save(THEIRS)
    status = api_server.objects["drills", "shop", "first"]["status"]
    assert status["notifications"] == told
    (said,) = (one for one in status["conditions"] if one["type"] == "Notified")
    assert (said["status"], said["message"]) == ("False", "team: cut was not sent: it answered 404")


async def test_messages_that_were_recorded_meanwhile_stay_and_do_not_end_the_drill(
    api_server: ApiServer, cluster: Cluster
) -> None:
    persisted = memory_of(cluster, a_drill(api_server, OURS))
    newest = a_drill(api_server, OURS)
    told = [{"name": "team", "sent": ["started"]}]
    api_server.put("drills", "shop", newest | {"status": newest["status"] | {"notifications": told}})
    await persisted.save(THEIRS)
    status = api_server.objects["drills", "shop", "first"]["status"]
    assert (status["phase"], status["notifications"]) == ("Recovery", told)


@pytest.mark.parametrize("heard", [False, True], ids=["by a conflict", "by a watch"])
async def test_a_drill_that_was_created_anew_under_its_name_gets_nothing_of_the_earlier_ones_record(
    heard: bool, api_server: ApiServer, cluster: Cluster
) -> None:
    """Neither of them has a state yet, so the digest of both is the same."""
    body = {"metadata": {"name": "first", "uid": "u"}, "spec": {"gameDay": "small"}}
    persisted = memory_of(cluster, api_server.put("drills", "shop", body))
    api_server.drop("drills", "shop", "first")
    newest = api_server.put("drills", "shop", body | {"metadata": {"name": "first", "uid": "another"}})
    if heard:
        persisted.update_cached(newest)
        persisted.check()
        assert persisted.gone
    await persisted.save(OURS)
    assert persisted.gone
    assert persisted.record == OURS
    assert persisted.drill["metadata"]["uid"] == "u"
    assert api_server.objects["drills", "shop", "first"] == newest
