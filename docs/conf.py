"""The site that `make docs` builds: Sphinx with these pages as they are, strict, without network."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "gameday"
extensions = ["myst_parser"]
root_doc = "index"
nitpicky = True
myst_heading_anchors = 4
html_theme = "furo"
html_title = "Game days for Kubernetes"
html_copy_source = False
html_show_copyright = False
pygments_style = "tango"

DOCS: Final = Path(__file__).parent
LISTS: Final = ("index", "dev/README", "how-to/alerts")
"""Pages that list others: the site's navigation is made of their links."""
ROW: Final = re.compile(r"^\| ([^|]*?) \| (.*) \|$", re.MULTILINE)
PAGE: Final = re.compile(r"\]\((?!\.\.)([\w/-]+\.md)\)")
ABOVE: Final = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#]+\.md)(?:#[^)]*)?\)")


def prepare(_: "Sphinx", name: str, source: list[str]) -> None:
    """Make links to pages outside of this folder their texts, and append to a list of pages what orders them."""

    def shown(link: re.Match[str]) -> str:
        aim = (DOCS / name).parent.joinpath(link[2]).resolve(strict=True)
        return link[0] if aim.is_relative_to(DOCS) else link[1]

    text = ABOVE.sub(shown, source[0])
    if name in LISTS:
        rows = ROW.findall(text) if name == "index" else [("Pages", text)]
        text += "".join(_ordered(title, links) for title, links in rows if PAGE.search(links))
    source[0] = text


def _ordered(title: str, links: str) -> str:
    pages = "\n".join(dict.fromkeys(PAGE.findall(links)))
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{pages}\n```\n"


def setup(app: "Sphinx") -> None:
    """Connect it; a diagram in Mermaid is shown as its text, because its program would come from outside."""
    app.connect("source-read", prepare)
    app.add_lexer("mermaid", TextLexer)
