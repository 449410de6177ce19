"""Of an object's authors only the time of its last spec is kept, and that exactly."""

from typing import Any

from gameday.api.managed_fields import spec_changed_at, strip_managed_fields

FIELDS: dict[str, Any] = {"f:spec": {"f:probes": {}}, "f:metadata": {}}
THING: dict[str, Any] = {
    "metadata": {
        "name": "redis",
        "managedFields": [
            {"manager": "kubectl", "time": "2026-11-30T10:00:00Z", "fieldsV1": FIELDS},
            {"manager": "flux", "time": "2026-11-30T10:00:07Z", "fieldsV1": FIELDS},
            {"manager": "tag", "time": "2026-11-30T10:00:08Z", "fieldsV1": {"f:metadata": {}}},
            {"manager": "us", "time": "2026-11-30T10:00:09Z", "fieldsV1": {"f:spec": {}}, "subresource": "status"},
            {"manager": "old", "fieldsV1": FIELDS},
        ],
    },
    "spec": {"probes": []},
}
SEVEN = 1796032807.0


def test_the_newest_author_of_the_spec_tells_when_it_was_written() -> None:
    assert spec_changed_at(THING, 1.0) == SEVEN
    assert spec_changed_at({"metadata": {}}, 1.0) == 1.0


def test_a_slim_object_tells_the_same_in_less() -> None:
    kept = strip_managed_fields(THING)
    assert spec_changed_at(kept, 1.0) == SEVEN
    assert "f:probes" not in str(kept)
    assert kept["spec"] is THING["spec"]
    assert len(THING["metadata"]["managedFields"]) == 5
    assert strip_managed_fields({"metadata": {"name": "redis"}}) == {"metadata": {"name": "redis"}}
