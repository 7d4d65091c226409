"""The part of a verb that takes time: workers, progress, the study's directory, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from simsticky.cli import console, stopping
from simsticky.cli.options import EngineChoice

if TYPE_CHECKING:
    from simsticky.study.case import Simulate
    from simsticky.study.recommend.first import KeepingFirst
    from simsticky.study.runner import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What runs the replications of a verb, by its flags.

    Attributes:
        jobs: Worker processes; one a CPU by default.
        engine: What runs the data plane.
        scheduler: Address of a Dask scheduler.
        study: Directory of the study.
        verify: Whether to check the model's invariants.
    """

    jobs: int | None = None
    engine: EngineChoice = EngineChoice.AUTO
    scheduler: str | None = None
    study: Path | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What a verb tells while it works, by its flags.

    Attributes:
        quiet: No progress and no notes.
        no_progress: No progress bar.
        no_color: No colour.
    """

    quiet: bool = False
    no_progress: bool = False
    no_color: bool = False


@contextmanager
def working(
    task: str,
    total: int | None,
    work: Work,
    noise: Noise,
    *,
    simulate: Simulate | None = None,
    keep: KeepingFirst | None = None,
) -> Iterator[Runner]:
    """Yield what runs the replications of a verb.

    Args:
        task: What the progress bar says.
        total: Replications to expect; None when nobody knows.
        work: What runs them.
        noise: What is told meanwhile.
        simulate: What runs one replication, where the verb has its own.
        keep: The usual, with replication 0 kept; ignored where the verb has its own.

    Raises:
        typer.Exit: With 130, after saying how far it came, on Ctrl-C.
    """
    import simsticky.study.warm  # noqa: F401
    from simsticky import progress
    from simsticky.study.pool import Interrupted, available_cpus
    from simsticky.study.runner import Runner

    _have(work.engine)
    if stopping.asked():  # and what was being imported has swallowed it
        raise KeyboardInterrupt
    workers = work.jobs or available_cpus()
    options: dict[str, Any] = {"verified": True} if work.verify else {}
    if simulate is not None:
        options["simulate"] = type(simulate).__name__  # what it keeps of a replication differs
    quiet = noise.quiet
    shown = not (quiet or noise.no_progress)
    try:
        with (
            console.progress(task, total, shown=shown, no_color=noise.no_color) as bar,
            progress.watched(bar.share),
            Runner(
                jobs=workers if total is None else min(workers, total),
                small_here=work.jobs is None,
                scheduler=work.scheduler,
                directory=work.study,
                on_progress=bar.finished,
                on_note=_unheard if quiet else _note,
                on_estimate=None if quiet else _tell_of_time,
                simulate=simulate or simulate_for(verify=work.verify) or keep,
                options=options,
                engine=work.engine.value,
                on_compile=None if quiet else _tell_of_compiling,
            ) as runner,
        ):
            yield runner
    except Interrupted as stop:
        console.complain(f"interrupted: {stop}")
        raise typer.Exit(stopping.INTERRUPTED) from None


def _have(engine: EngineChoice) -> None:
    """Let this process simulate so, too.

    Raises:
        InputError: The compiled engine is asked for, and Numba is not installed.
    """
    from simsticky import engines
    from simsticky.errors import InputError

    if engine is EngineChoice.COMPILED and not engines.is_installed():
        hint = "pip install 'simsticky[fast]'; the interpreted engine gives the same bytes"
        raise InputError.of("the compiled engine needs Numba", file="--engine", hint=hint)
    engines.use(engine.value)


def simulate_for(*, verify: bool) -> Simulate | None:
    """Return what runs one replication with the invariants checked, or None for the usual."""
    if not verify:
        return None
    from simsticky.simulate import simulate

    return partial(simulate, verify=True)


_LONG_S = 120.0
"""Nobody is told beforehand of what takes less."""


def _tell_of_time(seconds: float) -> None:
    if seconds > _LONG_S:
        from simsticky.units import rough_duration

        _note(f"this will take about {rough_duration(seconds)}")


def _tell_of_compiling() -> None:
    from simsticky import engines

    if not console.is_watched():
        return
    if engines.can_be_kept():
        console.complain("compiling the engine, once")
    else:
        console.complain("compiling the engine; it cannot be kept, as no folder can be written (SIMSTICKY_CACHE_DIR)")


def _note(text: str) -> None:
    console.complain(f"warning: {text}")


def _unheard(text: str) -> None:
    """Tell nobody of the progress."""
