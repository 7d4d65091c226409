"""What the figures say can be read: no text is cut, covered or taken for markup, and colour tells nothing alone."""

import pytest
from figure_data import NAMES, OF_SWEEPS
from figure_text import unreadable
from small_scenario import small
from sweeps import HandMadeSweep, hand_made

import simsticky as ss
from simsticky import plots
from simsticky.report.plots.style import NARROW_WIDTH, for_a_phone


def test_every_figure_is_looked_at():
    """Every figure is held by the tests below."""
    assert sorted(plots.__all__) == sorted([*NAMES, *OF_SWEEPS])


@pytest.mark.quick_cases(10)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"deployment__replicas": 12, "deployment__maxSurge": 12},
        {"kic__enableDrainSupport": False},
        {"deployment__preStop": "0s", "app__onSigterm": "ignore", "deployment__terminationGracePeriodSeconds": 4},
        {"deployment__replicas": 1},
        {"traffic__sessions__rate": "0.0001/s"},
    ],
    ids=["drained", "many pods", "drain off", "killed", "one pod", "no sessions"],
)
def test_no_text_is_cut_or_overlaps(name, changes):
    """At the default size every text of a figure is inside it and on no other text."""
    assert unreadable(getattr(plots, name)(ss.simulate(small(**changes)))) == []


@pytest.mark.parametrize("name", OF_SWEEPS)
def test_no_text_of_a_sweep_is_cut_or_overlaps(name, sweep):
    """The same for figures of a sweep."""
    assert unreadable(getattr(plots, name)(sweep)) == []


@pytest.mark.quick_cases(4)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("replicas", [3, 40])
def test_a_phone_can_be_read_too(name, replicas):
    """As narrow as a phone a figure has fewer words on more lines, none of them cut, smaller or on another."""
    result = ss.simulate(small(deployment__replicas=replicas))
    with for_a_phone():
        ax = getattr(plots, name)(result)
    assert ax.figure.get_figwidth() == NARROW_WIDTH
    assert unreadable(ax) == []


@pytest.mark.parametrize("name", OF_SWEEPS)
def test_a_sweep_on_a_phone_can_be_read_too(name, sweep):
    """The same for figures of a sweep."""
    with for_a_phone():
        assert unreadable(getattr(plots, name)(sweep)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_run_without_operations_has_figures_too(name):
    """Nothing deleted, nothing broken: the figure says so, or shows the load."""
    result = ss.simulate(small(timeline=[], run__until="2m"))
    assert unreadable(getattr(plots, name)(result)) == []


def test_text_of_others_stays_text():
    """Markup, formulas and lengths in names are drawn as text, cut to a label's length, and break no layout."""
    name = "a" * 40
    result = ss.simulate(small(deployment__name=name, timeline__0__rollout=name))
    assert unreadable(plots.timeline(result)) == []
    assert plots.timeline(result).get_xlabel().startswith("time since rollout aaaaa")


@pytest.mark.parametrize("text", ["$x^2$", "<script>alert(1)</script>", "\x00\n\t", '"' * 5000, "\\frac{"])
def test_a_name_is_a_label(text):
    """Nothing in a name is read as a formula or a control character, and 5,000 characters become a short label."""
    from simsticky.report.plots.style import LONGEST_LABEL, plain

    assert len(plain(text)) <= LONGEST_LABEL
    assert plain(text).isprintable()
    sweep = hand_made(name="small")
    points = tuple({text: point["deployment.preStop"]} for point in sweep.points[::2])
    odd = HandMadeSweep(points, sweep.scenarios[::2], sweep.studies[::2])
    ax = plots.trade_off(odd)
    assert unreadable(ax) == []


def test_nothing_is_told_by_colour_alone(rolled, sweep):
    """Phases that meet differ in hatching, lines in dashes or markers: a grey print still reads."""
    from simsticky.report.plots.style import LINES
    from simsticky.report.plots.timeline import PHASE_LOOKS

    hatches = [hatch for _, hatch, _ in PHASE_LOOKS.values()]
    assert len(set(hatches)) >= len(hatches) - 1  # a dead container has no sessions: no height
    assert len({dashes for _, dashes, _ in LINES}) == len({marker for _, _, marker in LINES}) == len(LINES)
