"""Links of pages, roles in docstrings, and what a built page would load, for the documentation site and its tests."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OUTSIDE = {"CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "README.md": "index.md"}
"""Pages that stand outside ``docs/``, and the page of the site that each is."""

LINK = re.compile(r"(?<=\]\()(?!https?:)(?P<path>[^)\s#]*)(?P<anchor>#[^)\s]*)?(?=\))")
"""Where a link or a picture of a page leads, other hosts aside."""

_ROLE = re.compile(r":(?:mod|class|func|meth|attr|data|exc):`~?(?P<name>[\w.]+)`")

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=["']?(?P<source>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*?rel=["']?(?:stylesheet|preconnect|preload|icon|dns-prefetch))[^>]*?href=["']?"""
    r"""(?P<link>(?:https?:)?//[^"'\s>]+)"""
)
_LOADED_BY_STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])(?P<source>(?:https?:)?//[^"')\s]+)""")


def target_of(link: str, folder: Path) -> str:
    """Return the path that a link on a page of a folder leads to, from the root of the repository."""
    return os.path.relpath(os.path.normpath(folder / link), ROOT)


def place_on_site(target: str) -> str | None:
    """Return where a file of the repository is on the site; None if it is not there.

    Files that are no pages are there below ``source/``, if a page links to them.
    """
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target.startswith("notebooks/") and target.endswith(".ipynb"):
        return f"{target.removesuffix('.ipynb')}.md"
    if target in OUTSIDE:
        return OUTSIDE[target]
    return f"source/{target}" if (ROOT / target).is_file() else None


def sources(page: Path) -> set[str]:
    """Return the files that a page links to and that are on the site only for that reason."""
    found = {target_of(link["path"], page.parent) for link in LINK.finditer(page.read_text("utf-8")) if link["path"]}
    return {target for target in found if (place_on_site(target) or "").startswith("source/")}


def moved(markdown: str, folder: Path, to: str) -> str:
    """Return a page of a folder with its links as they are at a place of the site; what leads nowhere stays."""

    def link(match: re.Match[str]) -> str:
        there = place_on_site(target_of(match["path"], folder)) if match["path"] else None
        if there is None:
            return match[0]
        return os.path.relpath(there, Path(to).parent) + (match["anchor"] or "")

    return LINK.sub(link, markdown)


def without_roles(text: str) -> str:
    """Return a docstring whose roles are the names that they lead to, the last part of each, as code."""
    return _ROLE.sub(lambda role: f"`{role['name'].rpartition('.')[2]}`", text)


def loaded_from_elsewhere(text: str, *, is_style: bool) -> list[str]:
    """Return what a page or a style sheet would load from another host; links that people click are none."""
    found = [] if is_style else [match["source"] or match["link"] for match in _LOADED.finditer(text)]
    return found + [match["source"] for match in _LOADED_BY_STYLE.finditer(text)]
