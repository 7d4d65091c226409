"""``simsticky completion``: the script that lets a shell complete verbs, flags, metrics and settings."""

from __future__ import annotations

from typing import Annotated

import typer

from simsticky.cli import completing, console
from simsticky.errors import InputError


def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", autocompletion=completing.shells)],
) -> None:
    """Print a completion script.

    bash: source <(simsticky completion bash), in ~/.bashrc

    zsh: source <(simsticky completion zsh), in ~/.zshrc behind compinit

    fish: simsticky completion fish > ~/.config/fish/completions/simsticky.fish
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in (known := completing.shells("")):
        raise InputError.of(f"there is no script for {shell!r}, only for {', '.join(known)}", file="completion")
    script = get_completion_script(prog_name="simsticky", complete_var=completing.VARIABLE, shell=shell)
    console.print_text(f"{script}\n")
