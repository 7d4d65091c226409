"""``simsticky recommend``: the cheapest setting that keeps the thresholds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from simsticky.cli import console, options
from simsticky.cli.options import Output
from simsticky.cli.run import load_varied
from simsticky.cli.texts import PAGES, TEXTS, TextFile, print_answer, text_file, text_of, write_and_tell
from simsticky.cli.work import Noise, Work, simulate_for, working
from simsticky.errors import InputError

if TYPE_CHECKING:
    from simsticky.study.recommend.answer import Recommendation

ENDINGS = {"found": 0, "none": 3, "not certain": 4}
"""Exit codes."""

Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold", metavar="'METRIC < BOUND'", help="What to keep; repeatable. By default the scenario's."
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="KEY=VALUES",
        help=f"What may be turned, repeatable: {options.VARY}. By default preStop from 0s to 1h with grace following.",
    ),
]
Cost = Annotated[
    list[str] | None,
    typer.Option(
        "--cost",
        metavar="COST",
        help="Cost that comes first: last_old_pod_gone_s, peak_pods or extra_pod_s; repeatable.",
    ),
]
MostReps = Annotated[
    int | None,
    typer.Option(
        "--reps", min=1, help="At most this many replications of a setting; by default the scenario's number."
    ),
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        "--max-time",
        metavar="DURATION",
        help="Try nothing more after this time (10m, 90s). What is open then exits with 4, and may come out differently"
        " the next time.",
    ),
]


def recommend(
    file: options.ScenarioFile,
    thresholds: Thresholds = None,
    vary: Vary = None,
    cost: Cost = None,
    seed: options.Seed = None,
    reps: MostReps = None,
    max_time: MaxTime = None,
    jobs: options.Jobs = None,
    engine: options.Engine = options.EngineChoice.AUTO,
    scheduler: options.Scheduler = None,
    study_directory: options.StudyDirectory = None,
    output: options.OutputFormat = Output.TABLE,
    out: options.OutText = None,
    page: options.Page = None,
    changes: options.Changes = None,
    namespace: options.Namespace = None,
    lenient: options.Lenient = False,
    verify: options.Verify = False,
    quiet: options.Quiet = False,
    no_color: options.NoColor = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Find the cheapest setting that keeps the thresholds with 95 % confidence and is not worse than today.

    Exits with 0 when there is one, with 3 when no setting can, with 4 when that is not certain.
    """
    place = text_file(out, TEXTS) if out is not None else None
    sheet = text_file(page, PAGES, "--report") if page is not None else None

    from simsticky.study.case import simulate_numbers
    from simsticky.study.recommend.costs import WithPodTime
    from simsticky.study.recommend.recommending import DEFAULT_VARY
    from simsticky.study.recommend.recommending import recommend as search
    from simsticky.study.settings import parse_vary

    asked = parse_vary(vary) if vary else DEFAULT_VARY
    scenario, following = load_varied(file, changes, asked, namespace=namespace, lenient=lenient)
    varied = {**asked, **following}
    most_s = None if max_time is None else seconds_of(max_time)
    work = Work(jobs=jobs, engine=engine, scheduler=scheduler, study=study_directory, verify=verify)
    noise = Noise(quiet=quiet, no_progress=no_progress, no_color=no_color)
    simulate = WithPodTime(simulate_for(verify=verify) or simulate_numbers)
    with working("recommend", None, work, noise, simulate=simulate) as runner:
        given = (scenario, thresholds or None, varied, reps, seed)
        found = search(*given, cost=cost or (), max_time=most_s, runner=runner)
    from simsticky.report import recommendation as report

    writes: list[Callable[[], None]] = []
    if place is not None:
        writes.append(lambda: place.write(text_of(found, report, place.suffix)))
    if sheet is not None:
        writes.append(partial(_write_page, found, sheet))
    write_and_tell(writes, partial(print_answer, found, report, output, no_color=no_color))
    if not quiet:
        more = () if found.otherwise is None else found.otherwise.warnings
        console.warn(list(dict.fromkeys((*found.warnings, *more))))
    if ENDINGS[found.ending]:
        raise typer.Exit(ENDINGS[found.ending])


def _write_page(found: Recommendation, page: TextFile) -> None:
    console.quiet_figures()
    from simsticky.report.html import recommendation_page

    page.write(recommendation_page(found))


def seconds_of(text: str) -> float:
    """Read a duration that is more than none.

    Raises:
        InputError: It is none.
    """
    from simsticky.units import parse_duration

    hint = "write for example --max-time 10m"
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError.of(str(error), file="--max-time", hint=hint) from None
    if seconds <= 0:
        raise InputError.of("leaves no time at all", file="--max-time", hint=hint)
    return seconds
