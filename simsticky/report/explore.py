"""A function of a few values with a slider each, for notebooks: what it shows for the present values is kept.

Widgets live as long as the notebook's kernel; an exported notebook has none. So what the function shows is an ordinary
output of the cell, which sliders replace in place.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

from markupsafe import Markup, escape

_DOTS_PER_INCH = 110


def explore(show: Callable[..., Any], /, *, start: Mapping[str, Any] | None = None, **choices: Sequence[Any]) -> None:
    """Show what a function shows for the first of each list of values, with a slider to choose others.

    Without ipywidgets, and in an exported notebook, there are no sliders, and what is shown is that of the values
    chosen last.

    Args:
        show: Called with a value of each name. What it prints and returns is shown: axes or a figure of matplotlib,
            anything with HTML of its own, text, or a list of such.
        start: The values to begin with, by name; the first of each list where none is given.
        choices: The values of each argument, in order.

    Raises:
        ValueError: There is nothing to choose from, or ``start`` has what cannot be chosen.
    """
    now = _starting(choices, start or {})
    display: Any = _displayed()
    place = display(_bundle(show, now), raw=True, display_id=True)

    def change(name: str, value: Any) -> None:
        now[name] = value
        place.update(_bundle(show, now), raw=True)

    for widget in _sliders(choices, now, change):
        # In place of the words that stand for a widget where there are none.
        display({**widget._repr_mimebundle_(), "text/plain": ""}, raw=True)


def _displayed() -> Any:
    from IPython.display import display

    return display


def _starting(choices: Mapping[str, Sequence[Any]], start: Mapping[str, Any]) -> dict[str, Any]:
    if not choices or not all(len(values) for values in choices.values()):
        raise ValueError("explore needs values to choose from: explore(show, preStop=['0s', '30s'])")
    for name, value in start.items():
        if name not in choices or value not in choices[name]:
            raise ValueError(f"{name}={value!r} cannot be chosen; there is {', '.join(choices)}")
    return {name: start.get(name, values[0]) for name, values in choices.items()}


def _sliders(
    choices: Mapping[str, Sequence[Any]], now: Mapping[str, Any], change: Callable[[str, Any], None]
) -> list[Any]:
    try:
        from ipywidgets import SelectionSlider
    except ImportError:
        return []
    sliders = []
    for name, values in choices.items():
        style, layout = {"description_width": "initial"}, {"width": "28em"}
        slider: Any = SelectionSlider(
            options=[(str(value), value) for value in values],
            value=now[name],
            description=name.replace("_", " "),
            continuous_update=False,
            style=style,
            layout=layout,
        )
        slider.observe(lambda event, name=name: change(name, event["new"]), names="value")
        sliders.append(slider)
    return sliders


def _bundle(show: Callable[..., Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return what the function shows, and for which values, as HTML and as text."""
    from simsticky.report.plots.style import without_pyplot

    chosen = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in now.items())
    printed = io.StringIO()
    with redirect_stdout(printed), without_pyplot():
        returned = show(**now)
    shown = returned if isinstance(returned, list | tuple) else [] if returned is None else [returned]
    text = printed.getvalue().rstrip("\n")
    parts = [Markup("<div><strong>{}</strong></div>").format(chosen)]
    if text:
        parts.append(Markup("<pre>{}</pre>").format(text))
    parts += [_html(one, chosen) for one in shown]
    return {"text/html": str(Markup().join(parts)), "text/plain": f"{chosen}\n{text}".rstrip()}


def _html(shown: Any, chosen: str) -> Markup:
    figure: Any = shown.figure if hasattr(shown, "get_xaxis") else shown
    if hasattr(figure, "savefig"):
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
        _close(figure)
        data = base64.b64encode(picture.getvalue()).decode("ascii")
        return Markup('<img alt="{}" style="max-width:100%" src="data:image/png;base64,{}">').format(chosen, data)
    if hasattr(shown, "_repr_html_"):
        return Markup(shown._repr_html_())
    return Markup("<pre>{}</pre>").format(escape(shown))


def _close(figure: Any) -> None:
    """Forget a figure that was made through pyplot: a notebook would show it once more at the end of the cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
