"""The HTML pages as text: complete, the same every time, small, and with everything of others escaped."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from small_scenario import small
from sweeps import HandMadeSweep, hand_made

import simsticky as ss
from simsticky.report import picture
from simsticky.report.grid import timeline_of
from simsticky.report.html import report_page, tradeoff_page
from simsticky.report.inputs import inputs
from simsticky.report.numbers import show
from simsticky.report.render.html import embedded
from simsticky.results.metrics import Metric
from simsticky.scenario.location import Place
from simsticky.scenario.report import ManifestNote, ManifestReport
from simsticky.study.otherwise import otherwise
from simsticky.study.store import Replications

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x>",
    "</style></title></script><!--",
    "{{ 7*7 }}{% raw %}",
    "a" * 5000,
]


@cache
def studied():
    """Three replications of a rolling update, and the first in detail."""
    scenario = small().evolve(
        {"thresholds.broken_sessions": "< 1%", "thresholds.failed_requests": "< 50%"}, source="--set"
    )
    return ss.replicate(scenario, 3), ss.simulate(scenario)


@cache
def page():
    """Their report."""
    study, run = studied()
    return report_page(study, run, others=otherwise(study))


class Elements(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.addresses, self.ids = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


def test_the_verdict_comes_first():
    """The sentence about the thresholds stands above every figure and number, with each threshold's own mark."""
    text = page()
    assert text.index("1 of 2 thresholds not met") < text.index("✗ not met") < text.index("<svg")
    assert text.index("✓ met") < text.index("<svg")


def test_every_number_of_the_study_is_there():
    """The page shows the estimates that the terminal shows, to the digit."""
    study, _ = studied()
    words = "".join(Elements(page()).text)
    for name in ("broken_sessions", "broken_of_alive", "failed_requests", "rollout_done_s", "last_old_pod_gone_s"):
        shown = show(study.estimate(name).interval, study.metrics[name].unit)
        assert shown.value in words
        assert shown.interval in words


def test_every_number_is_defined_on_the_page():
    """What each row means is text that a phone or a keyboard reaches too, not only a tooltip."""
    study, _ = studied()
    text = page()[page().index("What these numbers mean") :]
    for name in ("broken_sessions", "broken_of_alive", "failed_requests", "last_old_pod_gone_s", "peak_pods"):
        assert study.metrics[name].definition.split(",")[0].replace("'", "&#39;") in text
    assert "What these numbers mean" in tradeoff_page(hand_made())


def test_a_study_says_when_it_stopped():
    """The report of a study run to a precision says whether it was reached."""
    scenario = small(run__record="summary", run__skewFloor=False)
    study = ss.replicate(scenario, precision="broken_sessions=90%", max_reps=10)
    assert str(study.stopping) in "".join(Elements(report_page(study, studied()[1])).text)


@pytest.mark.parametrize("name", ["report", "trade-off"])
def test_a_page_is_in_order_for_those_who_hear_it(name):
    """One h1, no level of heading left out, and each table with a caption and cells that head its rows or columns."""
    text = page() if name == "report" else tradeoff_page(hand_made())
    assert '<html lang="en">' in text
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(tables) > 4
    for table in tables:
        assert "<caption" in table
        assert 'scope="col"' in table


def test_text_stands_out_from_its_ground():
    """Every colour that text has is at 4.5:1 or more on page and panel, in both schemes (WCAG 2.2, 1.4.3)."""

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    schemes = re.findall(r":root \{(.*?)\}", page(), re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))
        for ground in ("paper", "panel"):
            for ink in ("ink", "quiet", "met", "missed", "open", "link"):
                low, high = sorted((luminance(colours[ink]), luminance(colours[ground])))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_the_report_says_where_it_comes_from():
    """Seed, versions, digests, warnings, assumptions and ignored fields are on the page."""
    study, _ = studied()
    text = page()
    for part in (
        f"<dd>{study.seed}</dd>",
        study.scenario.digest(),
        "numpy",
        "simpy",
        "Assumptions",
        "Manifest fields ignored",
    ):
        assert part in text


def test_inputs_name_their_origin():
    """Each value stands with the manifest line, the scenario line, the flag or the word default it came from."""
    scenario = ss.load("scenarios/rolling.yaml").evolve({"gateway.nodes": 3}, source="--set")
    found = {item.path: item for item in inputs(scenario)}
    assert (found["deployment.replicas"].origin, found["deployment.replicas"].kind) == (
        "example-app.yaml:7",
        "manifest",
    )
    assert (found["run.seed"].origin, found["run.seed"].kind) == ("rolling.yaml:5", "scenario")
    assert (found["gateway.nodes"].origin, found["gateway.nodes"].kind) == ("--set", "set")
    assert (found["run.settle"].value, found["run.settle"].kind) == ("1m", "default")
    assert found["traffic.requests"].value == "geometric, mean 20"
    assert found["traffic.think"].value == "exponential, mean 6s"
    assert found["traffic.service"].value == "lognormal, median 40ms, sigma 0.6"
    assert found["deployment.preStop"].value == "sleep 30s"
    assert found["traffic.sessions.rate"].value == "4/s"


def test_a_page_asks_for_nothing():
    """No element names an address but places in the page itself and data; no script may run but the page's own."""
    for text in (page(), tradeoff_page(hand_made())):
        elements = Elements(text)
        assert all(address.startswith(("#", "data:")) for address in elements.addresses)
        assert not {"iframe", "object", "embed", "base", "form"} & set(elements.tags)
        assert "url(http" not in text
        assert "@import" not in text
        data, own = re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL)
        assert data[0].startswith(' type="application/json" id="')
        allowed = base64.b64encode(hashlib.sha256(own[1].encode()).digest()).decode()
        assert f"script-src &#39;sha256-{allowed}&#39;;" in text


@pytest.mark.slow
def test_a_page_is_the_same_every_time():
    """The same result gives the same bytes."""
    study, detailed = studied()
    assert report_page(study, detailed) == report_page(study, ss.simulate(study.scenario))
    assert otherwise(study) == otherwise(study)
    assert tradeoff_page(hand_made()) == tradeoff_page(hand_made())


def test_ids_are_unique():
    """No two elements share an id, so that no picture borrows a part of another."""
    for text in (page(), tradeoff_page(hand_made())):
        ids = Elements(text).ids
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "hostile",
    [HOSTILE[0], *(pytest.param(hostile, marks=pytest.mark.slow) for hostile in HOSTILE[1:])],
    ids=["script", "quote", "end", "template", "long"],
)
def test_what_others_write_is_text(hostile):
    """A name, a description, a file name, a manifest field, a metric and a warning with markup are shown as text."""
    study, detailed = studied()
    scenario = study.scenario.evolve({"name": hostile, "about": hostile})
    places = {"run.seed": Place(f"{hostile}.yaml", 3, 1, "run.seed")}
    note = ManifestNote(hostile, 4, f"Deployment {hostile}: spec", hostile)
    scenario.set_origin(places, ManifestReport(read=(note,), ignored=(note,), assumed=(note,)))
    metric = f"mechanism.{hostile}"
    metrics = {**study.metrics, metric: Metric(metric, "count", hostile)}
    seen = [replace(one, summary={**one.summary, metric: 5}, warnings=(hostile,)) for one in study.replications]
    text = report_page(type(study)(scenario, study.seed, Replications(seen), metrics), detailed)
    plain, changed = Elements(page()), Elements(text)
    words = "".join(changed.text)
    assert words.count(hostile) >= 7
    # The same elements as with a tame name, but for the lists of manifest fields.
    listed = {"li", "ul", "p", "tr", "th", "td", "code", "wbr", "h2", "dt", "dd"}
    # for the fold with the whole of a long description,
    listed |= {"details", "summary"} if len(hostile) > 300 else set()
    # and but for a bar more in the figure of causes
    listed |= {"g", "path", "use", "defs", "clippath", "rect"}
    assert {tag for tag in changed.tags if changed.tags.count(tag) != plain.tags.count(tag)} <= listed


@pytest.mark.parametrize("hostile", HOSTILE, ids=["script", "quote", "end", "template", "long"])
def test_what_others_write_is_text_beside_sliders(hostile):
    """The same for the trade-off page: a hostile name or value ends no element and no script."""
    base = hand_made()
    points = tuple({"traffic.path": f"{hostile}{place}"} for place in range(2))
    scenarios = tuple(scenario.evolve({"name": hostile, "about": hostile}) for scenario in base.scenarios[:2])
    studies = tuple(
        type(study)(scenario, study.seed, study.replications, study.metrics)
        for scenario, study in zip(scenarios, base.studies, strict=False)
    )
    elements = Elements(tradeoff_page(HandMadeSweep(points, scenarios, studies)))
    assert elements.tags.count("script") == 2
    assert elements.tags.count("img") == 0
    assert hostile in "".join(elements.text)


def test_data_in_a_script_cannot_end_it():
    """JSON inside a script element has no character that HTML reads, and reads back as it was."""
    data = {"name": "</script><!-- & \u2028"}
    text = str(embedded(data))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == data


def test_the_grid_has_every_point():
    """The page's grid has the estimates, texts and marks of every point, and the timeline of its replication 0."""
    sweep = hand_made()
    text = tradeoff_page(sweep)
    found = re.search(r'<script type="application/json" id="grid">(.*?)</script>', text, re.DOTALL)
    grid = json.loads(found.group(1))
    names = [metric["name"] for metric in grid["metrics"]]
    assert [setting["path"] for setting in grid["settings"]] == ["deployment.preStop", "kic.enableDrainSupport"]
    for point, study, kept in zip(sweep.points, sweep.studies, grid["points"], strict=True):
        values = [grid["settings"][n]["values"][at] for n, at in enumerate(kept["at"])]
        assert values == [point["deployment.preStop"], str(point["kic.enableDrainSupport"]).lower()]
        for name, number in zip(names, kept["numbers"], strict=True):
            interval = study.estimate(name).interval
            assert number[:3] == [interval.estimate, interval.low, interval.high]
        detailed = study.scenario.evolve({"run.record": "requests"})
        assert kept["timeline"] == timeline_of(ss.simulate(detailed, seed=study.seed), len(sweep.points))


def test_a_timeline_has_the_frames_numbers():
    """Phases and marks are the pods' moments to a tenth of a second, sessions those of the load frame."""
    _, run = studied()
    start_s = run.operations["start_s"].iloc[0]
    timeline = timeline_of(run)
    assert len(timeline["pods"]) == len(run.pods)
    for pod, row in zip(timeline["pods"], run.pods.itertuples(), strict=True):
        assert row.pod.endswith(pod["pod"])
        marks = dict(pod["marks"])
        if row.deleted_by:
            assert marks[0] == round(row.deleted_s - start_s, 1)
            assert marks[4] == round(row.sigterm_s - start_s, 1)
        assert max(pod["sessions"]) <= run.load.loc[run.load["pod"] == row.pod, "sessions"].max()
    row = run.operations.iloc[0]
    ends = [0.0, *(round(row[name] - start_s, 1) for name in ("rollout_done_s", "last_old_pod_gone_s"))]
    assert [at_s for _, at_s in timeline["moments"]] == ends
    caused = run.requests[(run.requests["broke"] != "") & (run.requests["operation"] > 0)]
    assert sum(count for label, count, _ in timeline["breaks"] if label.startswith("broken")) == len(caused)


@pytest.mark.slow
def test_a_page_of_a_large_run_stays_small(monkeypatch):
    """Where a figure would be too large it becomes a bitmap; where a grid is large its timelines are coarser."""
    monkeypatch.setattr(picture, "LARGEST_SVG", 30_000)
    study, run = studied()
    text = report_page(study, run)
    assert '<img class="bitmap" alt="' in text
    few, many = timeline_of(run, 1), timeline_of(run, 10_000)
    assert len(many["pods"][0]["sessions"]) == 12 < len(few["pods"][0]["sessions"])


def test_paths_are_shorter_and_the_same():
    """Steps become level and upright lines, rounded to a hundredth in a way that does not add up along the path."""
    assert picture.compact('<path d="M 10 10 \nL 20.004 10 \nL 20 15.125 \nz\n"/>') == '<path d="M10 10h10v5.12z"/>'
    assert picture.compact('<path d="M 1 1 \nC 2 2 3 3 4 5 \nL 5 6 \n"/>') == '<path d="M1 1c1 1 2 2 3 4l1 1"/>'
    long = "M 0 0 \n" + "".join(f"L {n / 3:.6f} {n % 2} \n" for n in range(1, 3001))
    short = picture.compact(f'<path d="{long}"/>')
    steps = re.findall(r"l(-?[0-9.]+)", short)
    assert sum(map(float, steps)) == pytest.approx(1000, abs=0.01)
    assert len(short) < len(long) / 2
    with pytest.raises(ValueError, match="not known"):
        picture.compact('<path d="M 1 1 A 1 1 0 0 0 2 2"/>')


@pytest.mark.slow
def test_the_shipped_report_and_a_grid_are_small():
    """The report of a 30-replication rolling update is under 1.5 MB, the page of a 6 x 4 grid under 3 MB."""
    base = ss.load("scenarios/rolling.yaml")
    one = base.evolve({"run.record": "summary", "run.skewFloor": False})
    few = ss.replicate(one, 3)
    study = type(few)(one, few.seed, Replications([*few.replications] * 10), few.metrics)
    assert len(report_page(study, ss.simulate(base)).encode()) < 1_500_000
    values = [(stop, surge) for stop in ("0s", "5s", "10s", "20s", "30s", "50s") for surge in (1, 2, 3, 4)]
    points = tuple({"deployment.preStop": stop, "deployment.maxSurge": surge} for stop, surge in values)
    scenarios = tuple(one.evolve(point) for point in points)
    grid = HandMadeSweep(points, scenarios, (few,) * len(points))
    assert len(tradeoff_page(grid).encode()) < 3_000_000


def test_a_run_without_operation_or_threshold_has_a_report():
    """Nothing to judge and nothing deleted: the page says so."""
    scenario = small(timeline=[], run__until="1m")
    text = report_page(ss.replicate(scenario, 2), ss.simulate(scenario))
    assert "No thresholds are set" in text
    assert "No operation deleted a pod." in text


@pytest.mark.slow
def test_one_function_writes_every_page(tmp_path):
    """``ss.report`` takes a study, a result or a sweep, and writes the page where it is told."""
    study, run = studied()
    place = tmp_path / "page.html"
    assert ss.report(study, place) == place.read_text(encoding="utf-8") == page()
    assert "1 replication, seed" in ss.report(run)
    assert 'id="grid"' in ss.report(hand_made())
    with pytest.raises(TypeError, match="a study, a result, a sweep, a comparison or a recommendation"):
        ss.report("study")
