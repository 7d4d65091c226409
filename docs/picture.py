"""Draw the picture of the README's first command, and two of the guide's: python docs/picture.py.

All are of ``scenarios/rolling.yaml``: ``rolling.svg`` is the table of ``simsticky run``, ``timeline.svg`` and
``sessions_on_old_pods.svg`` are figures.
"""

import io
import re
from pathlib import Path

import matplotlib as mpl
from rich.console import Console
from rich.text import Text

import simsticky as ss
from simsticky.report.asked import Asked
from simsticky.report.picture import compact
from simsticky.report.plots.style import figure_of, without_pyplot
from simsticky.report.render.lines import STYLES
from simsticky.report.render.terminal import render
from simsticky.report.study import blocks

HERE = Path(__file__).parent
WIDTH = 78
NAME = "scenarios/rolling.yaml"


def table(study: ss.Study, first: ss.Result) -> str:
    """Return the table of a study as a terminal shows it, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text(f"$ simsticky run {NAME}"))
    for line in render(blocks(study, first.recording, asked=Asked.of(NAME)), WIDTH):
        console.print(Text.assemble(*((text, STYLES.get(style, "")) for text, style in line)))
    svg = console.export_svg(title="simsticky", unique_id="simsticky")
    # The reader's own monospaced font: the picture asks the network for nothing.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
    # Without this some viewers drop the spaces that indent a row.
    return svg.replace("<text ", '<text xml:space="preserve" ')


def figure(name: str, result: ss.Result) -> str:
    """Return a figure on white as SVG, the same every time."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "simsticky"}), without_pyplot():
        drawn = figure_of(getattr(ss.plots, name)(result))
        drawn.savefig(text, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return compact(text.getvalue())


if __name__ == "__main__":
    scenario = ss.load(HERE.parent / NAME)
    result = ss.simulate(scenario)
    pictures = {"rolling": table(ss.replicate(scenario, jobs=2), result)}
    pictures |= {name: figure(name, result) for name in ("timeline", "sessions_on_old_pods")}
    for name, svg in pictures.items():
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
