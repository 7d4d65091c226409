"""Where a result comes from: what a reader needs to get the same numbers again."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from simsticky.scenario.model import Scenario

LIBRARIES = ("numpy", "simpy")
"""The libraries that a number may depend on."""


def provenance(scenario: Scenario, seed: int, replication: int) -> dict[str, Any]:
    """Return versions, scenario, seed and replication as plain JSON types.

    No wall clock, no worker count, no host name: the same run says the same everywhere.
    """
    return {
        "tool": {"name": "simsticky", "version": tool_version()},
        "libraries": library_versions(),
        "scenario": {"name": scenario.name, "digest": scenario.digest()},
        "seed": seed,
        "replication": replication,
    }


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a number may depend on."""
    return {
        "python": platform.python_version(),
        **{package: installed_version(package) for package in LIBRARIES},
    }


def tool_version() -> str:
    """Return the version of simsticky itself."""
    return installed_version("simsticky")


def installed_version(package: str) -> str:
    """Return the version of an installed package, or ``unknown`` in a tree that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
