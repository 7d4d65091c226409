"""Draw the house: the rooms of ``simsticky/`` in their layers, and who imports whom, read from the code.

    python docs/house.py
    python docs/house.py --check    # write nothing, exit with 1 if the picture is out of date

The layers are those of ``pyproject.toml``; layers that import nothing of each other share a row. The imports are all
that the files hold, those for type checkers too. An arrow that follows from others is left out. The picture is out of
date when its rooms or arrows are not those of the code, or a size is off by more than a fifth.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "house.svg"

ROOMS: Mapping[str, str] = {
    "cli": "one module a verb",
    "report": "terminal, Markdown, HTML, figures",
    "study": "replications, sweep, compare, check, recommend",
    "lint": "rules with numbers",
    "logs": "access logs of real gateways",
    "simulate": "one run, to its result",
    "engines": "interpreted or compiled",
    "results": "metrics, frames, story",
    "audit": "checks a recording",
    "sim": "the running model: the only room that knows SimPy",
    "sim.simulation": "puts the rooms together",
    "sim.operations": "the timeline",
    "sim.control": "API server, kubelet, controllers",
    "sim.clients": "who comes, and sends what",
    "sim.plane": "columns, and the loop over them",
    "sim.sessions": "one session",
    "sim.gateway": "nodes, proxy, breaks",
    "scenario.reading": "from a file to a scenario",
    "recording": "a sink: rows, counts",
    "workload": "who arrives, and when",
    "manifests": "objects in, patches out",
    "scenario": "what is simulated: fields, paths, files",
    "kic": "targets and weights",
    "kong": "picks, retries, cookies, health",
    "kubernetes": "rollouts, termination, scaling",
    "stats": "arrays in, numbers out",
    "files": "reading any file",
    "units": "durations, shares",
    "notebook": "shown in notebooks",
    "progress": "how far a run is",
    "version": "what is installed",
    "annotations": "SARIF, JUnit, GitHub",
    "errors": "messages with places",
}
"""The rooms by their path below ``simsticky``, dotted, and what each is for; a file is in the longest that fits."""

SCALE = 0.062
"""Pixels a line of code."""
LETTER = 6.0
"""Pixels a letter of the words in a box, at the most."""
WIDTH, LEAST, GAP = 940.0, 120.0, 22.0
HIGH, INNER_HIGH, BETWEEN = 46.0, 42.0, 34.0
"""Heights of a box, of one inside another, and of the space between rows, in pixels."""


# What the code says -------------------------------------------------------------------------------------------------


@cache
def modules() -> Mapping[str, Path]:
    """Return the files of the package by dotted name, packages by their own."""
    files = sorted((ROOT / "simsticky").rglob("*.py"))
    dotted = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files}
    return {name.removesuffix(".__init__"): file for name, file in dotted.items()}


def room_of(module: str) -> str | None:
    """Return the room that a module is in; None for the front door, ``simsticky/__init__.py``."""
    parts = module.split(".")[1:]
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in ROOMS), None)


def imported_by(file: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "simsticky":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules() else str(node.module)


@cache
def lines() -> Mapping[str, int]:
    """Return the lines of code of each room, those of the rooms inside it not counted."""
    found = dict.fromkeys(ROOMS, 0)
    for module, file in modules().items():
        if (room := room_of(module)) is not None:
            found[room] += file.read_text(encoding="utf-8").count("\n")
    return found


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Return which other rooms each room imports; the rooms of ``sim`` count as ``sim``."""
    found: dict[str, set[str]] = {outer(room): set() for room in ROOMS}
    for module, file in modules().items():
        if (room := room_of(module)) is not None:
            others = {other for target in imported_by(file) if (other := room_of(target)) is not None}
            found[outer(room)] |= {outer(other) for other in others} - {outer(room)}
    return {room: frozenset(others) for room, others in found.items()}


def outer(room: str) -> str:
    """Return the room that is drawn around a room, or the room itself."""
    return "sim" if room.startswith("sim.") else room


def reached(room: str, seen: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the rooms below a room, through however many imports.

    Raises:
        ValueError: Imports go round in a circle.
    """
    if room in seen:
        raise ValueError(f"rooms import each other: {' > '.join((*seen, room))}")
    below = imports()[room]
    return below.union(*(reached(other, (*seen, room)) for other in below))


def arrows() -> list[tuple[str, str]]:
    """Return the imports between rooms that do not follow from others."""
    return [
        (room, other)
        for room, others in imports().items()
        for other in sorted(others)
        if not any(other in reached(between) for between in others)
    ]


def layers() -> list[list[str]]:
    """Return the layers of ``pyproject.toml`` from the top, and what reads files above what it reads."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    found = []
    for layer in contract["layers"]:
        rooms = [name.strip().removeprefix("simsticky.") for name in layer.split("|")]
        if rooms == ["manifests"]:
            found.append(["scenario.reading"])
        found.append([room for room in rooms if room in ROOMS])
    return found


def rows() -> list[list[str]]:
    """Return the rooms of each row: layers that import nothing of each other, as many as fit."""
    found: list[list[str]] = [[]]
    for layer in layers():
        row = found[-1]
        together = not any(imports()[room] & set(layer) for room in row)
        if together and row_width([*row, *layer]) <= WIDTH - 3 * GAP:
            row += layer
        else:
            found.append(list(layer))
    return [row for row in found if row]


# How it is laid out -------------------------------------------------------------------------------------------------


@dataclass
class Box:
    """A room on the picture; positions and sizes in pixels."""

    room: str
    x: float
    y: float
    width: float
    height: float
    inside: list["Box"] = field(default_factory=list)

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height


def name_of(room: str) -> str:
    """Return what stands in a room's box."""
    return room.removeprefix("sim.").replace(".", "/")


def rooms_in(room: str) -> list[str]:
    """Return the rooms inside a room."""
    return [other for other in ROOMS if other != room and outer(other) == room]


def size(room: str) -> int:
    """Return the lines of a room with all that is inside it."""
    return lines()[room] + sum(lines()[other] for other in rooms_in(room))


def room_width(room: str) -> float:
    """Return the width of a room: in proportion to its lines, and never too small for its name."""
    return max(words_width(room), size(room) * SCALE, GAP / 2 + 3 * inner_step(room))


def words_width(room: str) -> float:
    """Return the width that a room's name, with its number, and its words need."""
    return max(LEAST, 16 + LETTER * len(ROOMS[room]), 62 + 1.3 * LETTER * len(name_of(room)))


def inner_step(room: str) -> float:
    """Return the distance between the rooms inside a room, three a line; 0 if there are none."""
    return max((words_width(other) + GAP / 2 for other in rooms_in(room)), default=0.0)


def row_width(row: Sequence[str]) -> float:
    """Return the width of rooms side by side."""
    return sum(map(room_width, row)) + GAP * (len(row) - 1)


def boxes() -> list[list[Box]]:
    """Return the boxes of each row, from the top."""
    found, y = [], 62.0
    for row in rows():
        x, placed = (WIDTH - row_width(row)) / 2, []
        for room in sorted(row, key=lambda room: below_whom(room, found)):
            box = Box(room, x, y, room_width(room), HIGH)
            furnish(box)
            placed.append(box)
            x += box.width + GAP
        found.append(placed)
        y = max(box.bottom for box in placed) + BETWEEN
    return found


def below_whom(room: str, above: Sequence[Sequence[Box]]) -> float:
    """Return the mean place of those above that import a room; the middle of the page if nobody does."""
    who = {source for source, target in arrows() if target == room}
    places = [middle(box) for row in above for box in row if box.room in who]
    return sum(places) / len(places) if places else WIDTH / 2


def furnish(box: Box) -> None:
    """Put the rooms that are inside a box into it, three a line."""
    inside = rooms_in(box.room)
    step = (box.width - GAP / 2) / 3
    for number, room in enumerate(inside):
        x, y = box.x + GAP / 2 + number % 3 * step, box.y + 40 + number // 3 * (INNER_HIGH + GAP / 2)
        box.inside.append(Box(room, x, y, step - GAP / 2, INNER_HIGH))
    if inside:
        box.height = box.inside[-1].bottom - box.y + 18


def paths(drawn: Sequence[Sequence[Box]]) -> Iterator[str]:
    """Yield the path of each arrow: down from box to box, past those of the rows between."""
    at = {box.room: (number, box) for number, row in enumerate(drawn) for box in row}
    wanted = sorted(arrows(), key=lambda arrow: (at[arrow[1]][0], at[arrow[1]][1].x, at[arrow[0]][1].x))
    taken: dict[tuple[int, float], int] = {}
    for source, target in wanted:
        (above, begin), (below, end) = at[source], at[target]
        out = sorted((other for room, other in wanted if room == source), key=lambda room: middle(at[room][1]))
        into = sorted((room for room, other in wanted if other == target), key=lambda room: middle(at[room][1]))
        x, y = port(begin, out.index(target), len(out)), begin.bottom
        last_x, last_y = port(end, into.index(source), len(into)), end.y - 7
        path = [f"M{x:.1f} {y:.1f}"]
        for number in range(above + 1, below):
            share = (number - above) / (below - above)
            gap = nearest_gap(drawn[number], x + (last_x - x) * share)
            lane = taken[number, gap] = taken.get((number, gap), 0) + 1
            via = gap + 6 * (lane // 2) * (-1) ** lane
            top, bottom = drawn[number][0].y - 6, max(box.bottom for box in drawn[number]) + 6
            path += [curve(x, y, via, top), f"V{bottom:.1f}"]
            x, y = via, bottom
        yield " ".join([*path, curve(x, y, last_x, last_y)])


def middle(box: Box) -> float:
    """Return the middle of a box."""
    return box.x + box.width / 2


def port(box: Box, place: int, number: int) -> float:
    """Return where the n-th of several arrows leaves or enters a box."""
    return box.x + box.width * (place + 1) / (number + 1)


def nearest_gap(row: Sequence[Box], x: float) -> float:
    """Return the middle of the free space in a row that is nearest."""
    gaps = [left.x + left.width + GAP / 2 for left in row[:-1]]
    ends = [row[0].x - GAP, row[-1].x + row[-1].width + GAP]
    return min([*gaps, *ends], key=lambda gap: abs(gap - x))


def curve(x: float, y: float, to_x: float, to_y: float) -> str:
    """Return a curve that leaves and arrives vertically."""
    half = (y + to_y) / 2
    return f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}"


# How it is drawn ----------------------------------------------------------------------------------------------------

STYLE = """
.page { fill: #ffffff } .room { fill: #f3f6fa; stroke: #51606f } .inner { fill: #ffffff; stroke: #8795a3 }
.size { fill: #2f6fb0 } .arrow { fill: none; stroke: #6b7885; stroke-width: 1.2 } .head { fill: #6b7885 }
.name { fill: #14202b; font: bold 13px sans-serif } .words { fill: #3c4853; font: 11px sans-serif }
@media (prefers-color-scheme: dark) {
.page { fill: #0f151b } .room { fill: #1b242d; stroke: #8fa0b0 } .inner { fill: #0f151b; stroke: #66788a }
.size { fill: #6fb0ee } .arrow { stroke: #93a1ae } .head { fill: #93a1ae }
.name { fill: #eef3f7 } .words { fill: #c3cdd6 }
}"""


def drawn_box(box: Box, kind: str) -> Iterator[str]:
    """Yield the elements of a box: its frame, name, words and a bar as long as its code."""
    frame = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    yield f'<rect class="{kind}" {frame} rx="4"/>'
    right, x = box.x + box.width - 8, box.x + 8
    yield f'<text class="name" x="{x:.1f}" y="{box.y + 17:.1f}">{escape(name_of(box.room))}</text>'
    yield f'<text class="words" x="{right:.1f}" y="{box.y + 17:.1f}" text-anchor="end">{about(size(box.room))}</text>'
    yield f'<text class="words" x="{x:.1f}" y="{box.y + 32:.1f}">{escape(ROOMS[box.room])}</text>'
    long = min(size(box.room) * SCALE, box.width)
    yield f'<rect class="size" x="{box.x:.1f}" y="{box.bottom - 4:.1f}" width="{long:.1f}" height="4" rx="2"/>'
    for other in box.inside:
        yield from drawn_box(other, "inner")


def about(number: int) -> str:
    """Return a number to two places."""
    return f"{int(float(f'{number:.1e}')):,}"


def description() -> str:
    """Return the picture in words, for those who do not see it."""
    rooms = "; ".join(", ".join(f"{room} ({about(size(room))} lines)" for room in row) for row in rows())
    inside = ", ".join(f"{name_of(room)} ({about(size(room))} lines)" for room in rooms_in("sim"))
    who = ", ".join(f"{room} imports {other}" for room, other in arrows())
    return f"Rooms in rows, from the top: {rooms}. Inside sim: {inside}. Arrows, all of them downwards: {who}."


def is_current(svg: str) -> bool:
    """Return whether a picture shows the rooms and arrows that there are, and about their sizes."""
    shown = re.search(r"<desc[^>]*>(.*)</desc>", svg)
    if shown is None:
        return False
    (words, sizes), (words_now, sizes_now) = map(_in_parts, (shown[1], escape(description())))
    return words == words_now and all(abs(old - new) <= new / 5 for old, new in zip(sizes, sizes_now, strict=True))


def _in_parts(text: str) -> tuple[str, list[int]]:
    number = r"[\d,]+(?= lines)"
    return re.sub(number, "", text), [int(found.replace(",", "")) for found in re.findall(number, text)]


def picture() -> str:
    """Return the picture as SVG."""
    drawn = boxes()
    height = max(box.bottom for box in drawn[-1]) + 20
    head = '<path class="head" d="M0 0 L8 4 L0 8 z"/>'
    marker = f'<marker id="head" markerWidth="8" markerHeight="8" refX="1" refY="4" orient="auto">{head}</marker>'
    total = about(sum(lines().values()))
    key = f"{total} lines in all; a number and a bar are lines of code. An arrow that follows from others is left out."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}"'
        f' height="{height:.0f}" role="img" aria-labelledby="house-title house-desc">',
        '<title id="house-title">The rooms of simsticky, and which way imports go</title>',
        f'<desc id="house-desc">{escape(description())}</desc>',
        f"<style>{STYLE}</style>",
        f"<defs>{marker}</defs>",
        '<rect class="page" width="100%" height="100%"/>',
        '<text class="name" x="20" y="24">The rooms of simsticky: imports go down only</text>',
        f'<text class="words" x="20" y="42">{escape(key)}</text>',
        *(f'<path class="arrow" marker-end="url(#head)" d="{path}"/>' for path in paths(drawn)),
        *(part for row in drawn for box in row for part in drawn_box(box, "room")),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not is_current(PICTURE.read_text(encoding="utf-8")))
    PICTURE.write_text(picture(), encoding="utf-8")
