"""What every test shares: the two tiers, and the tables of cases (see ``conformance_tables``).

The quick tier is everything that is not marked ``slow``: a few rows of every table that is expensive to check, a few
examples of every hypothesis test. The slow tier (``pytest -m slow``) is the other rows, what is marked ``slow``, and
every hypothesis test once more with many examples.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conformance_tables import case_id, load_table, section, tables_dir
from hypothesis import is_hypothesis_test, settings

# CI repeats the same examples on every run; a developer's machine looks for new ones.
_REPEATS = bool(os.environ.get("CI"))
settings.register_profile("quick", deadline=None, derandomize=_REPEATS, max_examples=15)
settings.register_profile("thorough", deadline=None, derandomize=_REPEATS, max_examples=200)

_THOROUGH = pytest.StashKey[bool]()
_NAMED_MISSING = pytest.StashKey[set[str]]()
_THEORY_ADDED = pytest.StashKey[bool]()

CONFORMANCE, VALIDATION = (Path(__file__).parent / name for name in ("conformance", "validation"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance-tables",
        metavar="DIR",
        help="run the table tests on the tables in DIR/{kubernetes,kong,theory} instead of our own",
    )
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="write what tests/golden keeps of each shipped scenario anew, and prune what belongs to none",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Many tests call the command. Where bytecode may not be kept, each call would compile the whole package: 0.3 s.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell lets a run in the background ignore Ctrl-C, and so would the commands that the tests interrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "table(area, name, path, **fields): one test for each case of a table file")
    config.addinivalue_line("markers", "quick_rows(number): of its table so many rows are quick, the others slow")
    config.addinivalue_line("markers", "quick_cases(number): so many of its cases are quick, the others slow")
    config.addinivalue_line("markers", "already_named: its missing table is named by another test")
    config.stash[_THOROUGH] = _asks_for_the_slow(config.option.markexpr)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("thorough" if config.stash[_THOROUGH] else "quick"))
    if config.getoption("--conformance-tables") and not config.stash[_THOROUGH]:
        config.option.markexpr = "not perf"  # somebody else's tables: every row of them
    config.stash[_NAMED_MISSING] = set()
    config.stash[_THEORY_ADDED] = _theory_is_added(config)
    if config.stash[_THEORY_ADDED]:
        config.args.append(str(VALIDATION))


def _asks_for_the_slow(markexpr: str) -> bool:
    """Whether a ``-m`` expression selects what is slow."""
    words = markexpr.replace("(", " ").replace(")", " ").split()
    return any(word == "slow" and before != "not" for before, word in zip(["", *words], words, strict=False))


def _theory_is_added(config: pytest.Config) -> bool:
    """Whether the tests that run the tables of ``theory/``, many replications each, join those of the other tables.

    They do where somebody runs ``tests/conformance`` on another folder.
    """
    paths = {config.invocation_params.dir / argument for argument in config.args}
    return bool(config.getoption("--conformance-tables")) and CONFORMANCE in paths and VALIDATION not in paths


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("table")
    if mark is None:
        return
    area, name, path = mark.args
    table = load_table(metafunc.config, area, name)
    cases = section(table, path, mark.kwargs) if table is not None else None
    if cases is None:
        wanted = " ".join([path, *map(str, mark.kwargs.values())])
        missing = f"{area}/{name}.json" if table is None else f"{wanted} of {area}/{name}.json"
        cases, ids = [_missing(metafunc.config, missing)], [f"missing {missing}"]
    else:
        ids = [case_id(case, number) for number, case in enumerate(cases, 1)]
        if (rows := metafunc.definition.get_closest_marker("quick_rows")) is not None:
            cases = _tiered(cases, *rows.args)
    metafunc.parametrize("case", cases, ids=ids)


def _spread(quick: int, number: int) -> set[int]:
    """Return which are quick, so many of a number, evenly spaced from the first one on."""
    return {at * number // quick for at in range(quick)}


def _tiered(cases: list[Any], quick: int) -> list[Any]:
    """Mark all cases slow but so many."""
    kept = _spread(quick, len(cases))
    return [case if at in kept else pytest.param(case, marks=pytest.mark.slow) for at, case in enumerate(cases)]


def _missing(config: pytest.Config, missing: str) -> Any:
    """Return one skipped case that names what is missing; a second test of the same file is left out."""
    named = config.stash[_NAMED_MISSING]
    if missing in named:
        return pytest.param(None, marks=pytest.mark.already_named)
    named.add(missing)
    return pytest.param(None, marks=pytest.mark.skip(reason=f"{tables_dir(config)} holds no {missing}"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out, aloud, what comes after the time that CI has: a slow machine is no reason to tell nothing."""
    until = os.environ.get("SIMSTICKY_TESTS_UNTIL")
    if until and time.time() > float(until):
        pytest.skip("NOT TESTED: the time for this step is over")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    alike: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("quick_cases") is not None and item.get_closest_marker("slow") is None:
            alike.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in alike.values():
        (quick,) = cases[0].get_closest_marker("quick_cases").args  # type: ignore[union-attr]  # it has one
        for at in set(range(len(cases))) - _spread(quick, len(cases)):
            cases[at].add_marker("slow")
    if config.stash[_THOROUGH]:
        for item in items:
            if is_hypothesis_test(getattr(item, "obj", None)):
                item.add_marker("slow")
    tables_only = config.stash[_THEORY_ADDED]

    def is_left_out(item: pytest.Item) -> bool:
        without_table = item.get_closest_marker("table") is None and VALIDATION in item.path.parents
        return item.get_closest_marker("already_named") is not None or (tables_only and without_table)

    left_out = [item for item in items if is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def table(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The whole file that the test's ``case`` comes from."""
    mark = request.node.get_closest_marker("table")
    loaded = load_table(request.config, *mark.args[:2])
    assert loaded is not None
    return loaded
