"""The table of defects fits the plan that is drilled, and the manifests fit the table."""

import pytest
import yaml

from defects import DEFECTS
from deploy import SHAMED, manifests
from shop.settings import DEFECTS as KNOWN
from shop.settings import Settings

EXAMPLE = "manifests/examples/redis-failover.yaml"


def test_every_defect_of_the_shop_is_in_the_table_and_names_expectations_of_the_example(
    request: pytest.FixtureRequest,
) -> None:
    spec = next(iter(yaml.safe_load_all((request.config.rootpath / EXAMPLE).read_text())))["spec"]
    names = {e["name"] for stage in ("outage", "recovery") for e in spec[stage]["expect"]}
    assert set(DEFECTS) == set(KNOWN)
    for defect in DEFECTS.values():
        assert defect.must
        assert defect.must | defect.may <= names
        assert not defect.must & defect.may


def test_a_defect_is_explained_by_what_it_must_and_may_miss_and_nothing_else() -> None:
    defect = DEFECTS["NEVER_RECONNECT"]
    assert defect.explains(defect.must)
    assert defect.explains(defect.must | defect.may)
    assert not defect.explains(frozenset({"healthy again"}))
    assert not defect.explains(defect.must | {"team is alerted"})


def test_defects_reach_the_parts_that_read_them() -> None:
    made = {b["metadata"]["name"]: b for b in manifests({"LIE_HEALTHY": "1"}) if b["kind"] == "Deployment"}
    for name in SHAMED:
        env = made[name]["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "LIE_HEALTHY", "value": "1"} in env
    assert Settings.of({"LIE_HEALTHY": "1", "NO_BREAKER": "0"}).defects == {"LIE_HEALTHY"}


def test_an_unknown_way_to_meet_an_outage_is_refused() -> None:
    with pytest.raises(ValueError, match="ON_OUTAGE"):
        Settings.of({"ON_OUTAGE": "drop"})
