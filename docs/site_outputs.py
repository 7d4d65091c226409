"""What a notebook's cell shows, as HTML, for the documentation site and its tests."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"

Json = Mapping[str, Any]


def drawn(output: Json, source: str, widgets: Json) -> Iterator[str]:
    """Yield the HTML of an output; of a slider what it shows before anybody moves it.

    Args:
        output: As the notebook has it.
        source: The code of its cell, whose last line says what a figure is.
        widgets: The state of each widget, by its model's id.
    """
    data = output.get("data", {})
    if output["output_type"] == "stream":
        yield f"<pre>{escape(output['text'])}</pre>"
    elif WIDGET in data:
        yield "<p><em>In a running notebook a control stands here. At its first setting it shows:</em></p>"
        for inner in within(data[WIDGET]["model_id"], widgets):
            yield from drawn(inner, source, widgets)
    elif "text/html" in data:
        yield data["text/html"]
    elif "image/svg+xml" in data:
        yield data["image/svg+xml"]
    elif "image/png" in data:
        alt = escape(f"What this draws: {source.strip().splitlines()[-1].strip()}", quote=True)
        yield f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'
    elif "text/plain" in data:
        yield f"<pre>{escape(data['text/plain'])}</pre>"


def within(model: str, widgets: Json) -> Iterator[Json]:
    """Yield the outputs that a widget holds, however deep."""
    state = widgets.get(model, {}).get("state", {})
    yield from state.get("outputs", [])
    for child in state.get("children", []):
        yield from within(child.removeprefix("IPY_MODEL_"), widgets)
