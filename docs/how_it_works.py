"""Draw how a rollout breaks a session, for the README and the front page: python docs/how_it_works.py

The picture follows the reader's light or dark scheme. A test holds the file to what this draws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

PICTURE = Path(__file__).parent / "how_it_works.svg"
WIDTH, HEIGHT = 540, 506
LINE = 17
"""Pixels from one line of text to the next."""

WORDS = (
    "A rollout deletes a pod at the API server. Two independent paths follow. On the first, EndpointSlice and ingress "
    "controller tell every Kong node: with drain support the pod keeps weight 0, without it the pod leaves the table. "
    "On the second, the kubelet waits for preStop, sends SIGTERM, then SIGKILL. A client's cookie leads it through "
    "Kong to the old pod, which holds the session's state, as long as the table lists that pod and it listens; after "
    "that to a new pod, which does not have the state. Broken session: a pod answers without the state; a matter of "
    "minutes. Failed request: nobody answers; a matter of seconds."
)
"""The picture in words, for those who do not see it."""


@dataclass(frozen=True)
class Box:
    """A box of the picture, in pixels: its title, and the lines below it."""

    x: int
    y: int
    width: int
    height: int
    title: str
    lines: Sequence[str] = ()
    kind: str = "room"

    def drawn(self) -> Iterator[str]:
        """Yield its elements."""
        yield (
            f'<rect class="{self.kind}" x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="6"/>'
        )
        yield text(self.x + 12, self.y + 23, self.title, "title")
        for number, line in enumerate(self.lines, start=1):
            yield text(self.x + 12, self.y + 23 + number * LINE, line, "words")


BOXES = [
    Box(150, 10, 240, 52, "API server", ["a rollout deletes a pod"], "actor"),
    Box(
        *(10, 104, 254, 104),
        "1  Endpoints",
        [
            "EndpointSlice, ingress controller,",
            "then each Kong node: weight 0 with",
            "drain support; without it the pod",
            "leaves the table",
        ],
    ),
    Box(
        *(276, 104, 254, 104),
        "2  Kubelet",
        [
            "preStop, then SIGTERM,",
            "then SIGKILL, all within the grace",
            "period: at some moment the pod",
            "stops listening",
        ],
    ),
    Box(10, 276, 124, 70, "Client", ["its cookie names", "the old pod"], "actor"),
    Box(172, 276, 146, 70, "Kong", ["follows the cookie,", "else picks a pod"], "actor"),
    Box(356, 248, 174, 52, "Old pod", ["has the session's state"], "actor"),
    Box(356, 318, 174, 52, "New pod", ["knows nothing of it"], "actor"),
    Box(
        *(10, 406, 254, 88),
        "Broken session",
        ["A pod answers without the state.", "Minutes count: sessions outlive", "preStop."],
        "broken",
    ),
    Box(
        *(276, 406, 254, 88),
        "Failed request",
        ["Nobody answers: 502, 503, reset.", "Seconds count: path 2 overtakes", "path 1."],
        "failed",
    ),
]

ARROWS = [
    ("M230 62 C230 86 137 80 137 98", "arrow"),
    ("M310 62 C310 86 403 80 403 98", "arrow"),
    ("M134 311 H166", "arrow"),
    ("M318 298 C334 298 334 274 350 274", "arrow"),
    ("M318 324 C334 324 334 344 350 344", "arrow late"),
    ("M200 208 C200 240 245 236 245 270", "arrow"),
    ("M443 208 V242", "arrow"),
]
"""Paths and their classes; what is late is dashed."""

STYLE = """
.page { fill: #ffffff } .room { fill: #ffffff; stroke: #8795a3 } .actor { fill: #f0f4f9; stroke: #51606f }
.broken { fill: #fdeceb; stroke: #b3362c } .failed { fill: #fff4e0; stroke: #a86500 }
.arrow { fill: none; stroke: #51606f; stroke-width: 1.6 } .late { stroke: #b3362c; stroke-dasharray: 5 4 }
.head { fill: #51606f }
.title { fill: #14202b; font: bold 15px sans-serif } .words { fill: #33404b; font: 14px sans-serif }
@media (prefers-color-scheme: dark) {
.page { fill: #0f151b } .room { fill: #0f151b; stroke: #66788a } .actor { fill: #1b242d; stroke: #8fa0b0 }
.broken { fill: #33191a; stroke: #ef8078 } .failed { fill: #2f2410; stroke: #e0a84c }
.arrow { stroke: #9fb0bf } .late { stroke: #ef8078 } .head { fill: #9fb0bf }
.title { fill: #eef3f7 } .words { fill: #ccd6df }
}"""


def text(x: int, y: int, words: str, kind: str) -> str:
    """Return a line of text."""
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(words)}</text>'


def picture() -> str:
    """Return the picture as SVG."""
    head = '<marker id="head" viewBox="0 0 8 8" refX="2" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">',
        f'<title id="t">How a rollout breaks a session</title><desc id="d">{escape(WORDS)}</desc>',
        f"<style>{STYLE}\n</style>",
        f'<defs>{head}<path class="head" d="M0 0 L8 4 L0 8 Z"/></marker></defs>',
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        *(f'<path class="{kind}" d="{path}" marker-end="url(#head)"/>' for path, kind in ARROWS),
        *(element for box in BOXES for element in box.drawn()),
        text(18, 262, "each request", "words"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
