"""Whether the texts of a figure can be read: none is cut at the figure's edge, none lies on another."""

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK = 1.0
"""Pixels by which boxes may touch."""


def unreadable(ax: Axes) -> list[str]:
    """Draw the figure of axes and return what is cut or overlaps, in words."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    left, bottom, right, top = figure.bbox.extents
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if _ticked(text, figure)]
    problems = [
        f"{name!r} is cut"
        for name, box in boxes
        if min(box.x0 - left, box.y0 - bottom, right - box.x1, top - box.y1) < -SLACK
    ]
    for (name, box), (other, its) in combinations(boxes, 2):
        across = min(box.x1, its.x1) - max(box.x0, its.x0)
        up = min(box.y1, its.y1) - max(box.y0, its.y0)
        if across > SLACK and up > SLACK:
            problems.append(f"{name!r} lies on {other!r}")
    return problems


def _ticked(text: Text, figure: Figure) -> bool:
    """Return whether a text is drawn: labels of ticks outside the view exist, but are not."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if text in (tick.label1, tick.label2):
                    span = (high - low) * 1e-6
                    return bool(low - span <= tick.get_loc() <= high + span)
    return True
