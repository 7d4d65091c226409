"""The pages of comparisons and recommendations: the sentence first, every figure, and nothing from elsewhere."""

import re
from itertools import pairwise

import pytest
from drain_stub import simulate
from small_scenario import small
from test_html import HOSTILE, Elements

import simsticky as ss
from simsticky.cli.main import main
from simsticky.report.comparison import sentence, table
from simsticky.report.html import comparison_page, recommendation_page
from simsticky.report.recommendation import headline
from simsticky.study.compare import compare
from simsticky.study.recommend.recommending import recommend
from simsticky.study.runner import Runner


def comparison(*stops, name="now"):
    sides = {
        f"{stop}s" if number else name: small(deployment__preStop=f"{stop}s", deployment__grace="10m")
        for number, stop in enumerate(stops)
    }
    return compare(sides, 10, 1, simulate=simulate)


def recommendation(bound="< 20%"):
    """On the stub: the window must be 97 s for 20 %."""
    vary = {"deployment.preStop": "0s..5m", "deployment.grace": "preStop + 30s"}
    with Runner(simulate=simulate) as runner:
        return recommend(small(), f"broken_sessions {bound}", vary, 20, 1, runner=runner)


def pages():
    """A page of each kind, and what its first sentence is."""
    two, three, found = comparison(60, 30), comparison(60, 30, 90), recommendation()
    return [
        (comparison_page(two), sentence(two, "30s")),
        (comparison_page(three), sentence(three, "30s")),
        (recommendation_page(found), headline(found)),
    ]


def test_the_sentence_comes_first():
    """Above every number, in whole, with the sign of its verdict."""
    for page, said in pages():
        words = " ".join("".join(Elements(page).text).split())
        said = " ".join(said.split())
        assert words.index(said[1:]) < words.index("Numbers" if "Numbers" in words else "95 %")
    assert "✗" in pages()[0][0]
    assert "✓" in pages()[2][0]


def test_every_figure_of_the_comparison_is_there():
    """Both values and the difference of each metric, and the settings that differ."""
    found = comparison(60, 30)
    words = "".join(Elements(comparison_page(found)).text)
    for row in table(found, "30s").rows:
        assert all(cell.text in words and cell.interval in words for cell in row.cells)
    assert "deployment.preStop.sleep" in words


def test_the_patch_can_be_copied():
    """The lines of the change are in a block of their own."""
    found = recommendation()
    (block,) = re.findall(r"<pre>(.*?)</pre>", recommendation_page(found), re.DOTALL)
    assert block.splitlines() == found.patches[0].yaml.splitlines()


def test_a_page_asks_for_nothing_and_is_in_order():
    """No address, no script, one h1, no level left out, tables with captions; the same every time."""
    for page, again in zip(pages(), pages(), strict=True):
        text = page[0]
        assert text == again[0]
        elements = Elements(text)
        assert all(address.startswith(("#", "data:")) for address in elements.addresses)
        assert not {"script", "iframe", "object", "embed", "base", "form"} & set(elements.tags)
        assert len(elements.ids) == len(set(elements.ids))
        levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        for found in re.findall(r"<table.*?</table>", text, re.DOTALL):
            assert "<caption" in found
            assert 'scope="col"' in found


@pytest.mark.parametrize("hostile", HOSTILE, ids=["script", "quote", "end", "template", "long"])
def test_what_others_write_is_text(hostile):
    """A file's name with markup is shown as text."""
    tame, wild = (Elements(comparison_page(comparison(60, 30, name=name))) for name in ("now", hostile))
    assert tame.tags == wild.tags
    assert hostile in "".join(wild.text)


def test_one_function_writes_them_too(tmp_path):
    """``ss.report`` takes both."""
    found = comparison(60, 30)
    assert ss.report(found, tmp_path / "x.html") == comparison_page(found)
    assert "recommendation" in ss.report(recommendation())


SCENARIO = """
schema: simsticky/1
name: tiny
run: {settle: 1s, replications: 3, seed: 5, skewFloor: false}
traffic:
  sessions: {kind: poisson, rate: 3/s}
  requests: {kind: geometric, mean: 4}
  think: {kind: exponential, mean: 5s}
deployment: {replicas: 3, preStop: 5s}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: id}}
timeline: [{at: 20s, scale: app, replicas: 2}]
"""


def test_the_commands_write_them(tmp_path, capsys):
    """--report of compare and of recommend, where drain support is not known: both answers; a wrong place is exit 2."""
    file, page = tmp_path / "tiny.yaml", tmp_path / "page.html"
    file.write_text(SCENARIO)
    changed = ["compare", str(file), "--with", "deployment.preStop=20s", "-j", "1", "-q"]
    assert main([*changed, "--report", str(page)]) == 0
    assert str(file) in page.read_text(encoding="utf-8")
    asked = ["recommend", str(file), "--threshold", "broken_sessions < 60%", "--vary", "deployment.preStop=0s,20s"]
    assert main([*asked, "-j", "1", "-q", "--reps", "10", "--report", str(page)]) in (0, 3, 4)
    assert {"With drain support off", "With drain support on"} <= set(Elements(page.read_text(encoding="utf-8")).text)
    capsys.readouterr()
    for arguments in (changed, asked):
        assert main([*arguments, "--report", str(tmp_path / "page.txt")]) == 2
        assert "--report" in capsys.readouterr().err
