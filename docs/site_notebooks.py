"""Run the notebooks and make pages of them, for the documentation site.

They are stored without output; what they show is made when the site is built. What was made is kept in ``.cache`` under
a hash of the notebook, the package and the scenarios, so that building twice does not run them twice.
"""

import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "notebooks"
QUIET = ["--log-level=40"]
WIDGET = "application/vnd.jupyter.widget-view+json"


def page(notebook: Path) -> str:
    """Return a notebook as Markdown: its text, its code, and below each cell what that shows."""
    nb = executed(notebook)
    widgets = nb.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    parts = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        shown = [html for output in cell.outputs for html in drawn(output, cell.source, widgets)]
        if shown:
            parts.append('<div class="output" markdown="0">\n' + "\n".join(shown) + "\n</div>")
    return "\n\n".join(parts) + "\n"


def executed(notebook: Path) -> Any:
    """Return a notebook with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell fails.
    """
    kept = CACHE / f"{notebook.stem}-{fingerprint(notebook)}.ipynb"
    if not kept.is_file():
        nb = nbformat.read(notebook, as_version=4)
        folder = {"metadata": {"path": str(notebook.parent)}}
        NotebookClient(nb, timeout=300, resources=folder, extra_arguments=QUIET).execute()
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{notebook.stem}-*.ipynb"):
            old.unlink()
        nbformat.write(nb, kept)
    return nbformat.read(kept, as_version=4)


def fingerprint(notebook: Path) -> str:
    """Return a hash of all that a notebook's outputs follow from, installed packages aside."""
    files = [notebook, *sorted((ROOT / "simsticky").rglob("*.*")), *sorted((ROOT / "scenarios").rglob("*.yaml"))]
    found = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def drawn(output: Any, source: str, widgets: dict[str, Any]) -> Iterator[str]:
    """Yield the HTML of an output; of a slider what it shows before anybody moves it."""
    if output.output_type == "stream":
        yield f"<pre>{escape(output.text)}</pre>"
        return
    data = output.data
    if WIDGET in data:
        yield "<p><em>In a running notebook a control stands here. At its first setting it shows:</em></p>"
        for inner in within(data[WIDGET]["model_id"], widgets):
            yield from drawn(nbformat.from_dict(inner), source, widgets)
    elif "text/html" in data:
        yield data["text/html"]
    elif "image/svg+xml" in data:
        yield data["image/svg+xml"]
    elif "image/png" in data:
        alt = escape(f"What this draws: {source.strip().splitlines()[-1].strip()}", quote=True)
        yield f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'
    elif "text/plain" in data:
        yield f"<pre>{escape(data['text/plain'])}</pre>"


def within(model: str, widgets: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the outputs that a widget holds, however deep."""
    state = widgets.get(model, {}).get("state", {})
    yield from state.get("outputs", [])
    for child in state.get("children", []):
        yield from within(child.removeprefix("IPY_MODEL_"), widgets)
