"""The page on upgrades, where its order matters."""

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "upgrade.md"


def test_namespaces_get_their_rights_before_the_operator_that_uses_them() -> None:
    """A drill that goes on with the new operator was checked by the old one, which asked for fewer rights."""
    text = PAGE.read_text()
    for first, then in (
        ("kubectl apply -n shop -k manifests/namespace", "kubectl apply -k manifests/operator"),
        ("helm upgrade gameday-namespace ", "helm upgrade gameday "),
    ):
        assert -1 < text.index(first) < text.index(then)
