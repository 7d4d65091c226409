"""What the documentation site has beside the files of ``docs/``; ``mkdocs.yml`` names this as its hook.

- The notebooks, run now and shown with their outputs; the changelog and CONTRIBUTING, which stand outside ``docs/``.
- Other files of the repository that a page links to are put below ``source/``, so that the link leads somewhere.
- The list of decisions in the navigation is the folder ``docs/decisions``.
- A built page that would ask another host for anything fails the build.
"""

import os
import re
from pathlib import Path
from typing import Any

import site_notebooks
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OUTSIDE = {"CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "README.md": "index.md"}
"""Pages that stand outside ``docs/``, and the page of the site that each is."""

_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc=["']?(?P<source>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*?rel=["']?(?:stylesheet|preconnect|preload|icon|dns-prefetch))[^>]*?href=["']?"""
    r"""(?P<link>(?:https?:)?//[^"'\s>]+)"""
)
_LOADED_BY_STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])(?P<source>(?:https?:)?//[^"')\s]+)""")


def on_config(config: Any) -> Any:
    """Put the decisions into the navigation."""
    decisions = [f"decisions/{file.name}" for file in sorted((DOCS / "decisions").glob("*.md"))]
    config.nav = _with(config.nav, "DECISIONS", decisions)
    return config


def _with(nav: Any, mark: str, pages: list[str]) -> Any:
    if isinstance(nav, list):
        return [_with(entry, mark, pages) for entry in nav]
    if isinstance(nav, dict):
        return {title: pages if entry == mark else _with(entry, mark, pages) for title, entry in nav.items()}
    return nav


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made now, and the files that pages link to."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        name = f"notebooks/{notebook.stem}.md"
        files.append(File.generated(config, name, content=site_notebooks.page(notebook)))
    for name, page in OUTSIDE.items():
        if page == name:
            files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    for target in sorted({target for page in _pages() for target in links_out(page)}):
        files.append(File.generated(config, _published(target), abs_src_path=str(ROOT / target)))
    return files


def _pages() -> list[Path]:
    return [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in OUTSIDE)]


def links_out(page: Path) -> set[str]:
    """Return the files of the repository that a page links to and that are no pages of the site."""
    found = set()
    for link in _LINK.finditer(page.read_text(encoding="utf-8")):
        target = _target(link["path"], page.parent)
        inside = target.startswith("docs/") or target in OUTSIDE or target.startswith("notebooks/")
        if not inside and (ROOT / target).is_file():
            found.add(target)
    return found


def _target(link: str, folder: Path) -> str:
    return os.path.relpath(os.path.normpath(folder / link), ROOT)


def _published(target: str) -> str:
    return f"source/{target}"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links out of ``docs/`` lead to where that is on the site."""
    source = page.file.src_uri
    outside = source in OUTSIDE
    folder = ROOT if outside else (ROOT if source.startswith("notebooks/") else DOCS) / Path(source).parent

    def moved(link: re.Match[str]) -> str:
        target = _target(link["path"], folder)
        if target.startswith("docs/"):
            there = target.removeprefix("docs/")
        elif target.startswith("notebooks/") and target.endswith(".ipynb"):
            there = target.removesuffix(".ipynb") + ".md"
        elif target in OUTSIDE:
            there = OUTSIDE[target]
        elif (ROOT / target).is_file():
            there = _published(target)
        else:
            return link[0]  # leads nowhere: MkDocs says so
        return os.path.relpath(there, Path(source).parent) + (link["anchor"] or "")

    return _LINK.sub(moved, markdown)


def loaded_from_elsewhere(text: str, is_style: bool) -> list[str]:
    """Return what a page or a style sheet would load from another host; links that people click are none."""
    found = [] if is_style else [match["source"] or match["link"] for match in _LOADED.finditer(text)]
    return found + [match["source"] for match in _LOADED_BY_STYLE.finditer(text)]


def on_post_build(config: Any) -> None:
    """Fail if a built page asks the network for anything.

    Raises:
        PluginError: Some page does.
    """
    asks = [
        f"{file.relative_to(config.site_dir)}: {source}"
        for kind in ("*.html", "*.css")
        for file in sorted(Path(config.site_dir).rglob(kind))
        for source in loaded_from_elsewhere(file.read_text(encoding="utf-8"), kind == "*.css")
    ]
    if asks:
        raise PluginError("A page must not ask the network for anything:\n" + "\n".join(asks))
