"""Write the table of measured beside predicted into docs/validation.md: ``python tests/reality/table.py``."""

from pathlib import Path

from prediction import NAMES, Counts, measured, predicted

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
BEGIN, END = "<!-- reality: tests/reality/table.py -->\n", "<!-- end of reality -->\n"
HEAD = """\
| run | broken sessions | moves | errors | requests of the old pods | of the new pods |
|---|---|---|---|---|---|
"""


def label(name: str) -> str:
    """Return what a run was."""
    config, _ = measured(name)
    action = "rolling update" if config["action"] == "rolling" else "three to two"
    drain = "drain" if config["drain"] else "no drain"
    return f"{action}, {drain}, preStop {config['prestop']:g} s, sessions {config['seed']}"


def row(name: str) -> str:
    """Return a run's line: of each figure what was measured and, behind it, what is predicted."""
    _, life = measured(name)
    told = predicted(name).mean
    cells = [f"{was:g} · {now:.1f}" for was, now in zip(life[:3], told[:3], strict=True)]
    return "".join(f"| {cell} " for cell in [label(name), *cells, *pods(life, told)]) + "|\n"


def pods(life: Counts, told: Counts) -> list[str]:
    """Return the cells of the pods that were there before, and of the new ones."""
    each = [f"{was:g} · {told.per_pod[pod]:.0f}" for pod, was in life.per_pod.items()]
    return [", ".join(each[:3]), ", ".join(each[3:])]


def parts(page: str) -> tuple[str, str, str]:
    """Return the page before the table, the table, and the page after it."""
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    return before + BEGIN, table, END + after


def write() -> None:
    """Write the table into the page."""
    before, _, after = parts(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(before + HEAD + "".join(map(row, NAMES)) + after, encoding="utf-8")


if __name__ == "__main__":
    write()
