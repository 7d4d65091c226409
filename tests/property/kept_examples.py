"""Scenarios that once broke what holds in every run; each says in its ``about`` what was wrong."""

from pathlib import Path

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.yaml"))
