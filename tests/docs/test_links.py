"""What holds the pages together: links, the README's length, the navigation, the list of public names, the picture."""

import re
from pathlib import Path

import pytest
from markdown_page import PAGES, README, ROOT
from ruamel.yaml import YAML
from scripts_of_docs import script

import simsticky as ss

LINKS = script("site_links")
NAMED = re.compile(r"^::: simsticky(?:\.[\w.]+)?\.(\w+)$", re.MULTILINE)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MkDocs make it of letters, digits and blanks."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page; fenced blocks have none."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def dangling(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading of one."""
    found = []
    for link in LINKS.LINK.finditer(page.read_text(encoding="utf-8")):
        target = page.parent / link["path"] if link["path"] else page
        anchor = (link["anchor"] or "").removeprefix("#")
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link[0])
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """Every link leads to a file that is there, and an anchor to one of its headings."""
    assert dangling(page) == []


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    """The test above sees a file that is missing, and a heading that is missing in a file or on the page itself."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Here: `a`\n[x](#here-a) [x](#there) [x](page.md#gone) [x](gone.md) [x](https://example.com/#y)\n"
    )
    assert dangling(page) == ["#there", "page.md#gone", "gone.md"]


def test_the_readme_is_short() -> None:
    """The README has at most 700 words; what is more belongs into the guide."""
    assert len(README.read_text(encoding="utf-8").split()) <= 700


def test_every_page_is_in_the_navigation() -> None:
    """Every page of ``docs/`` can be reached, and the navigation names no page that is not there."""
    nav = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    named = {name for name in re.findall(r"[\w/-]+\.md", str(nav)) if not name.startswith("notebooks/")}
    docs = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert named - set(LINKS.OUTSIDE) == {name for name in docs if not name.startswith("decisions/")}
    assert "DECISIONS" in str(nav)


def test_every_public_name_is_in_the_reference() -> None:
    """The pages of the Python API name all that ``import simsticky`` gives, and each figure."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    assert set(NAMED.findall(pages)) >= {*ss.__all__, *ss.plots.__all__} - {"METRICS", "plots", "__version__"}
    assert "<!-- metrics -->" in pages


def test_links_are_moved_to_where_the_site_has_their_targets() -> None:
    """Links between pages stay; those to notebooks, to CONTRIBUTING and to other files lead to their place there."""
    text = "[a](model.md#limits) [b](../notebooks/01.ipynb) [c](../CONTRIBUTING.md#tests) [d](../action.yml) [e](#f)"
    expected = "[a](model.md#limits) [b](notebooks/01.md) [c](CONTRIBUTING.md#tests) [d](source/action.yml) [e](#f)"
    assert LINKS.moved(text, ROOT / "docs", "ci.md") == expected
    assert LINKS.moved("[a](docs/model.md)", ROOT, "CONTRIBUTING.md") == "[a](model.md)"
    assert LINKS.sources(ROOT / "docs" / "ci.md") >= {"action.yml", "examples/ci/Makefile"}


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ('<link rel="stylesheet" href="https://fonts.example.com/css">', ["https://fonts.example.com/css"]),
        ('<link href="//fonts.example.com" rel="preconnect">', ["//fonts.example.com"]),
        ("<script src=https://cdn.example.com/x.js></script>", ["https://cdn.example.com/x.js"]),
        ('<img alt="x" src="http://example.com/x.png">', ["http://example.com/x.png"]),
        ("<style>@import 'https://example.com/x.css'</style>", ["https://example.com/x.css"]),
        (
            '<a href="https://example.com">out</a> <img src="x.png"> <link rel="canonical" href="https://example.com/">',
            [],
        ),
    ],
)
def test_what_a_page_would_load_from_elsewhere_is_found(text: str, loads: list[str]) -> None:
    """The site's build fails on what a browser would load from another host, and on no link that people click."""
    assert LINKS.loaded_from_elsewhere(text, is_style=False) == loads


def test_roles_of_docstrings_are_shown_as_code() -> None:
    """The reference shows the name that a role leads to, and leaves other code alone."""
    text = "As :func:`load`, a :class:`~simsticky.study.runner.Runner`; ``n`` is 1, and a colon: `x`."
    assert LINKS.without_roles(text) == "As `load`, a `Runner`; ``n`` is 1, and a colon: `x`."


def test_outputs_of_a_notebook_are_shown() -> None:
    """A page shows text, tables and figures with a text alternative, and of a slider what it shows at first."""
    outputs = script("site_outputs")
    figure = {"output_type": "display_data", "data": {"image/png": "AAAA\n", "text/plain": "<Figure>"}}
    slider = {"output_type": "display_data", "data": {outputs.WIDGET: {"model_id": "a"}, "text/plain": "interactive"}}
    widgets = {"a": {"state": {"children": ["IPY_MODEL_b", "IPY_MODEL_c"]}}, "b": {"state": {}}}
    widgets["c"] = {"state": {"outputs": [{"output_type": "stream", "text": "1 < 2"}, figure]}}
    control, text, image = outputs.drawn(slider, "x = 1\nss.plots.timeline(one);\n", widgets)
    assert "control" in control
    assert text == "<pre>1 &lt; 2</pre>"
    assert image == '<img alt="What this draws: ss.plots.timeline(one);" src="data:image/png;base64,AAAA">'
    table = {"output_type": "execute_result", "data": {"text/html": "<table></table>", "text/plain": "a table"}}
    assert list(outputs.drawn(table, "one", {})) == ["<table></table>"]


def test_the_picture_of_how_it_works_is_up_to_date() -> None:
    """``python docs/how_it_works.py`` draws it."""
    picture = script("how_it_works")
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.picture()
