"""What every test shares: hypothesis profiles and the tables of cases (see ``conformance_tables``)."""

import os
from pathlib import Path
from typing import Any

import pytest
from conformance_tables import case_id, load_table, section, tables_dir
from hypothesis import settings

# CI repeats the same examples on every run; a developer's machine looks for new ones.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("dev", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

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
    config.addinivalue_line("markers", "table(area, name, path, **fields): one test for each case of a table file")
    config.addinivalue_line("markers", "already_named: its missing table is named by another test")
    config.stash[_NAMED_MISSING] = set()
    config.stash[_THEORY_ADDED] = _theory_is_added(config)
    if config.stash[_THEORY_ADDED]:
        config.args.append(str(VALIDATION))


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
        wanted = " ".join([path, *mark.kwargs.values()])
        missing = f"{area}/{name}.json" if table is None else f"{wanted} of {area}/{name}.json"
        cases, ids = [_missing(metafunc.config, missing)], [f"missing {missing}"]
    else:
        ids = [case_id(case, number) for number, case in enumerate(cases, 1)]
    metafunc.parametrize("case", cases, ids=ids)


def _missing(config: pytest.Config, missing: str) -> Any:
    """Return one skipped case that names what is missing; a second test of the same file is left out."""
    named = config.stash[_NAMED_MISSING]
    if missing in named:
        return pytest.param(None, marks=pytest.mark.already_named)
    named.add(missing)
    return pytest.param(None, marks=pytest.mark.skip(reason=f"{tables_dir(config)} holds no {missing}"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
