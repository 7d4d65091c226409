"""Run the notebooks and make pages of them, for the documentation site.

They are stored without output; what they show is made when the site is built. What was made is kept in ``.cache`` under
a hash of the notebook, the package and the scenarios, so that building twice does not run them twice.
"""

import hashlib
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from site_outputs import drawn

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "notebooks"
QUIET = ["--log-level=40"]


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
