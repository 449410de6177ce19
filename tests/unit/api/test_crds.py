"""The definitions as the API server gets them."""

from gameday.api.crds import definitions


def test_no_category_is_the_name_of_a_kind() -> None:
    """``kubectl delete gameday small`` would delete the Drill of that name as well: kubectl knows categories first."""
    names = [body["spec"]["names"] for body in definitions().values()]
    known = {word for one in names for word in (one["plural"], one["singular"], *one.get("shortNames", ()))}
    assert known >= {"gamedays", "gameday", "gd", "drills", "drill"}
    assert not known & {category for one in names for category in one.get("categories", ())}
