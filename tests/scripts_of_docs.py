"""The scripts of ``docs/``, as modules: they are in no package."""

import importlib.util
import sys
from types import ModuleType

from markdown_page import ROOT


def script(name: str) -> ModuleType:
    """Return the module that a file of ``docs/`` is."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
