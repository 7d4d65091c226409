"""Where a result comes from: what a reader needs to get the same numbers again."""

import platform
from typing import Any

from simsticky.scenario.model import Scenario
from simsticky.version import __version__, installed_version

LIBRARIES = ("numpy", "simpy")
"""The libraries that a number may depend on."""


def provenance(scenario: Scenario, seed: int, replication: int) -> dict[str, Any]:
    """Return versions, scenario, seed and replication as plain JSON types.

    No wall clock, no worker count, no host name: the same run says the same everywhere.
    """
    return {
        "tool": {"name": "simsticky", "version": __version__},
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
