"""What a shell offers when somebody presses TAB behind a flag or argument: names that only we know.

Everything is imported when it is asked for: these functions are named by every verb.
"""

from __future__ import annotations

import typer

VARIABLE = "_SIMSTICKY_COMPLETE"
"""Set by the shell's completion script: what it wants to know."""


def explained(incomplete: str) -> list[str]:
    """Return what ``explain`` knows: metrics, rows as printed in one word, rules of lint, settings."""
    from simsticky.lint.rules import RULES
    from simsticky.report.labels import labels
    from simsticky.results.metrics import METRICS

    words = [*METRICS, *(label for label in labels() if " " not in label), *RULES, *_settings()]
    return [word for word in dict.fromkeys(words) if word.startswith(incomplete)]


def metrics(incomplete: str) -> list[str]:
    """Return the names of metrics."""
    from simsticky.results.metrics import METRICS

    return [name for name in METRICS if name.startswith(incomplete)]


def changes(incomplete: str) -> list[str]:
    """Return what ``--set`` and ``--vary`` take: settings, followed by their values."""
    return [f"{path}=" for path in _settings() if path.startswith(incomplete)]


def drafted_from(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return what ``init --example`` takes; without the flag nothing, for the shell knows files."""
    if not ctx.params.get("example"):
        return []
    from simsticky.cli.shipped import names

    return [name for name in names() if name.startswith(incomplete)]


def shells(incomplete: str) -> list[str]:
    """Return the shells that a script can be had for."""
    return [shell for shell in ("bash", "zsh", "fish") if shell.startswith(incomplete)]


def _settings() -> tuple[str, ...]:
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.paths.vocabulary import all_paths

    return all_paths(Scenario)
