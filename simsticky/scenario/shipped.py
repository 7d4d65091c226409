"""Where the shipped scenarios lie: beside the package in a source tree, within it once it is installed from a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped() -> Path:
    """Return the directory of the shipped scenarios, ``NAME.yaml`` each, with the ``manifests`` they point to."""
    installed = _PACKAGE / "shipped"
    return installed if installed.is_dir() else _PACKAGE.parent / "scenarios"
