"""Write what ``docs/validation.md`` shows of the measured runs anew, table and figure: python docs/validation.py

It takes a minute or two, for each of the runs is predicted by several replications. ``docs/picture.py`` draws the other
figure of that page, the sessions on old pods beside the closed form.
"""

import io
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from simsticky.report.picture import compact

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "measured.svg"
sys.path.insert(0, str(ROOT / "tests" / "reality"))

import table  # noqa: E402 - it is in no package

ALLOWED, ALLOWED_SHARE = 3, 0.1
"""A prediction may be off by this number of sessions, or by this share, whichever is more."""

KINDS = {
    (True, "rolling"): ("rolling update, drain", "s"),
    (False, "rolling"): ("rolling update, no drain", "o"),
    (True, ""): ("three to two, drain", "^"),
    (False, ""): ("three to two, no drain", "v"),
}
"""Legend and mark of each kind of run: with drain or not, and what was done."""


def figure() -> str:
    """Return predicted against measured broken sessions as SVG, the same every time."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "simsticky"}):
        drawn = Figure(figsize=(6.4, 4.4), layout="constrained")
        ax = drawn.subplots()
        most = 160
        line = range(most + 1)
        room = [max(ALLOWED, ALLOWED_SHARE * value) for value in line]
        low, high = ([at + sign * by for at, by in zip(line, room, strict=True)] for sign in (-1, 1))
        ax.fill_between(line, low, high, color="#d8e3ef", label="within 3, or 10 %")
        ax.plot(line, line, color="#51606f", linewidth=1)
        for (drain, action), (label, mark) in KINDS.items():
            runs = [name for name in table.NAMES if kind_of(name) == (drain, action)]
            was = [table.measured(name)[1].broken for name in runs]
            now = [table.predicted(name).mean.broken for name in runs]
            ax.plot(was, now, mark, label=label, markerfacecolor="none", markersize=8, markeredgewidth=1.5)
        ax.set(xlabel="broken sessions measured", ylabel="broken sessions predicted", xlim=(0, most), ylim=(0, most))
        ax.legend(frameon=False, loc="upper left")
        drawn.savefig(text, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return compact(text.getvalue())


def kind_of(name: str) -> tuple[bool, str]:
    """Return whether a run had drain support, and what was done if not a scale-down."""
    config, _ = table.measured(name)
    return bool(config["drain"]), "rolling" if config["action"] == "rolling" else ""


if __name__ == "__main__":
    table.write()
    PICTURE.write_text(figure(), encoding="utf-8")
