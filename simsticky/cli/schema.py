"""``simsticky schema``: the JSON schema of scenario files, for editors."""

from __future__ import annotations

import json

from simsticky.cli import console


def schema() -> None:
    """Print the JSON schema of scenario files, for completion and checking in an editor."""
    from simsticky.scenario.model import Scenario

    console.print_text(json.dumps(Scenario.json_schema(), indent=2, ensure_ascii=False) + "\n")
