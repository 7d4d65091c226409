"""What the documentation site has beside the files of ``docs/``; ``mkdocs.yml`` names this as its hook.

- The notebooks, run now and shown with their outputs; the changelog and CONTRIBUTING, which stand outside ``docs/``.
- Other files of the repository that a page links to are put below ``source/``, so that the link leads somewhere.
- The table of metrics in the reference is that of ``simsticky.METRICS``.
- The list of decisions in the navigation is the folder ``docs/decisions``.
- A built page that would ask another host for anything fails the build.
"""

from pathlib import Path
from typing import Any

import site_notebooks
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from site_links import DOCS, OUTSIDE, ROOT, loaded_from_elsewhere, moved, place_on_site, sources

import simsticky


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
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    pages = [*DOCS.rglob("*.md"), *(ROOT / name for name in OUTSIDE)]
    for target in sorted({target for page in pages for target in sources(page)}):
        files.append(File.generated(config, str(place_on_site(target)), abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to where their targets are on the site."""
    source = page.file.src_uri
    markdown = markdown.replace("<!-- metrics -->", metrics())
    within = ROOT if source in OUTSIDE or source.startswith("notebooks/") else DOCS
    return moved(markdown, within / Path(source).parent, source)


def metrics() -> str:
    """Return the table of all metrics."""
    rows = [f"| `{name}` | {metric.unit} | {metric.definition} |" for name, metric in simsticky.METRICS.items()]
    return "\n".join(["| metric | unit | what it means |", "|---|---|---|", *rows])


def on_post_build(config: Any) -> None:
    """Fail if a built page asks the network for anything.

    Raises:
        PluginError: Some page does.
    """
    asks = [
        f"{file.relative_to(config.site_dir)}: {source}"
        for kind in ("*.html", "*.css")
        for file in sorted(Path(config.site_dir).rglob(kind))
        for source in loaded_from_elsewhere(file.read_text(encoding="utf-8"), is_style=kind == "*.css")
    ]
    if asks:
        raise PluginError("A page must not ask the network for anything:\n" + "\n".join(asks))
