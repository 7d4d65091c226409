"""Sixteen measured runs of HAProxy, each predicted on its own sessions (``prediction``, and docs/validation.md)."""

import re

import pytest
from prediction import NAMES, allowance, measured, predicted, three_deviations
from table import PAGE, label, parts

QUICK = {"rolling-d0-p2-s1", "rolling-d1-p2-s2", "scale-d0-p2-s1", "scale-d1-p0-s2", "scale-d1-p2-s1", "scale-d1-p5-s2"}
"""Each action with and without drain support, and each preStop."""

RUNS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]


def documented() -> dict[str, list[tuple[float, float]]]:
    """Return what the page says of each run: of broken sessions, moves, errors and each pod measured and predicted."""
    _, table, _ = parts(PAGE.read_text(encoding="utf-8"))
    cells = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    return {
        name.strip(): [(float(was), float(told)) for was, told in re.findall(r"([\d.]+) · ([\d.]+)", " ".join(figures))]
        for name, *figures in cells
    }


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("name", RUNS)
def test_a_measured_run_is_predicted(name: str) -> None:
    """Broken sessions, moves and errors are within 3, or 10 %, of life; so are the requests of the old pods.

    Reality itself repeats the requests of a new pod to some 10 % only, so they are to be within three standard
    deviations of one replication, which eight tell to a quarter only. The page says what was measured, and its
    predictions are as near to today's as those are to be to life.
    """
    _, life = measured(name)
    mean, sd_per_pod = predicted(name)
    for figure in ("broken", "moves", "errors"):
        was, told = getattr(life, figure), getattr(mean, figure)
        assert abs(told - was) <= allowance(was), f"{figure}: measured {was}, predicted {told}"
    assert mean.per_pod.keys() == life.per_pod.keys()
    for pod, was in life.per_pod.items():
        allowed = 0.1 * was if pod in ("p1", "p2", "p3") else three_deviations(sd_per_pod[pod])
        assert abs(mean.per_pod[pod] - was) <= allowed, f"{pod}: measured {was}, predicted {mean.per_pod[pod]}"

    shown = documented()[label(name)]
    assert [was for was, _ in shown] == [*life[:3], *life.per_pod.values()]
    for (_, told), now in zip(shown, [*mean[:3], *mean.per_pod.values()], strict=True):
        assert abs(told - now) <= allowance(now), "python tests/reality/table.py writes the page anew"


def test_no_run_is_left_out() -> None:
    """Every measured run is predicted."""
    assert len(NAMES) == 16
    assert set(NAMES) >= QUICK


def test_the_page_has_every_run() -> None:
    """The page has every run."""
    assert set(documented()) == set(map(label, NAMES))
