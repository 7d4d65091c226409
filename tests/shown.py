"""What a verb has found, as each place shows it."""

from collections.abc import Sequence

from simsticky.report.blocks import Block
from simsticky.report.render import csv, markdown, terminal
from simsticky.report.render.lines import plain


def in_terminal(blocks: Sequence[Block], width: int = 80) -> str:
    """Return blocks as a terminal of a width shows them."""
    return plain(terminal.render(blocks, width))


as_markdown, as_csv = markdown.render, csv.render
