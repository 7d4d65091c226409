"""The section of a page: words for everything, notes that say what is missing, a table, and a script of one piece."""

import re

import pytest
from recorded import crashing, drained, rollout
from small_scenario import small

import simsticky as ss
from simsticky.recording.record import How, Kind, Mechanism, Origin, Outcome
from simsticky.report import replay
from simsticky.report.replay import script, table
from simsticky.report.replay import span as spans
from simsticky.report.replay.comparison import replayed
from simsticky.report.replay.lines import lines_of
from simsticky.results.story import requests as told
from simsticky.study.compare import compare


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (told.ON_THE_WAY, Mechanism),
        (told.WHY, Origin),
        (told.MET, Kind),
        (told.ENDS, Outcome),
        (told.EXPOSED, How),
    ],
    ids=["mechanism", "origin", "kind", "outcome", "how"],
)
def test_everything_has_words(words, kinds):
    """Whatever a frame can say of a request or an exposure is told in words."""
    assert set(words) == {kind for kind in kinds if kind.name != "NONE"}
    assert all(re.fullmatch(r"(\{pod\}|[^{}])+", text) for text in words.values())


@pytest.mark.parametrize("run", [rollout, crashing], ids=["rollout", "crashing"])
def test_lines_are_read_as_they_were_told(run):
    """Every line of a story with a time comes back as its own text; those without are left out."""
    run = run()
    story = run.story()
    lines = [str(line) for line in lines_of(run, -1e9, 1e9)]
    assert [text for text in story if text in set(lines)] == lines
    assert all("s  " not in text[:20] for text in story if text not in set(lines))
    assert len(lines) > 20


def test_the_table_counts_all_sessions(monkeypatch):
    """Each line has the frames' totals until then; in the end some are broken, at first none."""
    monkeypatch.setattr(table, "MOST", 1000)
    run = crashing()
    whole = table.moments(run, 0.0, 1e9)
    lines = lines_of(run, 0.0, 1e9)
    assert [row[0] for row in whole.rows] == [line.clock for line in lines]
    caused = run.requests[(run.requests["broke"] != "") & (run.requests["origin"] != "background")]
    failed = run.requests[~run.requests["outcome"].isin(["answered", "unfinished"])]
    for line, row in zip(lines, whole.rows, strict=True):
        at_s = line.at_s + 0.005
        assert int(row[3]) == run.exposures.loc[run.exposures["at_s"] <= at_s, "session"].nunique()
        assert int(row[4]) == caused.loc[caused["ended_s"] <= at_s, "session"].nunique()
        assert int(row[5]) == (failed["ended_s"] <= at_s).sum()
        begun, over = run.sessions["started_s"] <= at_s, run.sessions["ended_s"] < at_s
        assert int(row[2]) == (begun & ~over).sum()
    assert int(whole.rows[-1][4]) > 40
    assert whole.rows[0][4] == "0"
    assert whole.every == 1


def test_a_long_story_is_told_in_part(monkeypatch):
    """With more lines than a table should have, every second, third and so on."""
    monkeypatch.setattr(table, "MOST", 10)
    told_in_part = table.moments(crashing(), 0.0, 1e9)
    assert told_in_part.every > 1
    assert len(told_in_part.rows) <= 10


def test_a_run_without_requests_says_what_it_needs():
    """A page of a result that kept no requests has its numbers, and says why there is no replay."""
    for level in ("sessions", "summary"):
        run = ss.simulate(small(run__record=level))
        page = ss.report(run)
        assert f"recorded at the level {level}. Set run.record to requests" in page
        assert "script-src &#39;none&#39;" in page
        assert "<canvas" not in page


def test_a_sample_is_told(monkeypatch):
    """The page says how many sessions are drawn, and that the rest is counted elsewhere."""
    assert "session is drawn (" not in replay.of_run(rollout()).html
    monkeypatch.setattr(spans, "MOST_AT_ONCE", 20)
    text = replay.of_run(rollout()).html
    found = re.search(r"Every (\w+) session is drawn \((\d+) of (\d+)\)", text)
    assert found is not None
    assert int(found[2]) < int(found[3])


def test_state_outside_the_pods_is_told():
    """Nothing breaks there, and the page says why."""
    run = ss.simulate(small(app__state="external"))
    assert "State is outside the pods" in replay.of_run(run).html


def test_a_comparison_is_replayed_as_it_was_compared():
    """Both sides, the same sessions; a third party's numbers are not passed off as this run's."""
    sides = {
        "10s": small(run__skewFloor=False),
        "60s": small(run__skewFloor=False, deployment__preStop="60s", deployment__grace="90s"),
    }
    found = compare(sides, 2, 3)
    text = replayed(found).html
    assert text.count('class="side"') == 2
    assert "did not meet the same sessions" not in text
    other = compare(
        sides,
        2,
        3,
        simulate=lambda scenario, **how: ss.simulate(scenario.evolve({"run.seed": 99}), **how | {"seed": 4}),
    )
    assert "does not give what was compared" in replayed(other).html


def test_sides_with_other_sessions_say_so():
    """Where a setting changes the traffic, nobody is told that the sessions are the same."""
    two = [("now", rollout()), ("less", ss.simulate(small(traffic__sessions__rate="1/s")))]
    assert "did not meet the same sessions" in replay.side_by_side(two).html
    assert "did not meet the same sessions" not in replay.side_by_side([two[0], ("longer", drained())]).html
    assert "Not shown: third." in replay.side_by_side(two, ["third"]).html


def test_the_script_is_one_piece():
    """No module is left out or comes before what it needs, no import or export is left, and no name is given twice."""
    text = script.bundle()
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    names = re.findall(r"^(?:const|class) (\w+)", text, re.MULTILINE)
    names += [
        name.strip()
        for line in re.findall(r"^const (\w+ = \w+(?:, \w+ = \w+)*)", text, re.MULTILINE)
        for name in re.findall(r", (\w+) =", line)
    ]
    assert len(names) == len(set(names))
    assert text.index("class Panel") < text.index("new Panel(")
    assert text.index("const decode") < text.index("class Panel")


def test_modules_in_a_circle_are_refused(tmp_path, monkeypatch):
    """Two modules that import each other cannot be put one after the other, and the message names them."""
    (tmp_path / "main.js").write_text('import { a } from "./other.js";\nexport const b = 1;\n')
    (tmp_path / "other.js").write_text('import { b } from "./main.js";\nexport const a = 1;\n')
    monkeypatch.setattr(script, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"main.js > other.js > main.js"):
        script.bundle.__wrapped__()
