"""Draw the README's picture, the table of `simsticky run scenarios/rolling.yaml`: python docs/picture.py."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

import simsticky as ss
from simsticky.report.terminal import STYLES, render

HERE = Path(__file__).parent
WIDTH = 78

if __name__ == "__main__":
    study = ss.replicate(ss.load(HERE.parent / "scenarios" / "rolling.yaml"), jobs=2)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text("$ simsticky run scenarios/rolling.yaml"))
    for line in render(study, WIDTH):
        console.print(Text.assemble(*((text, STYLES.get(style, "")) for text, style in line)))
    svg = console.export_svg(title="simsticky")
    # The reader's own monospaced font: the picture asks the network for nothing.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
    # Without this some viewers drop the spaces that indent a row.
    svg = svg.replace("<text ", '<text xml:space="preserve" ')
    (HERE / "rolling.svg").write_text(svg, encoding="utf-8")
