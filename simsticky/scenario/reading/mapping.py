"""Reading a scenario from a mapping of what its file would say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simsticky.errors import InputError
from simsticky.scenario.location import Document, Keys, Place, dotted
from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.vocabulary import camel_case
from simsticky.scenario.reading.load import VERSION, read, the_document

PYTHON = "Python"
"""Where what a mapping says is from."""


def of_mapping(
    data: Mapping[str, Any], base_dir: str | Path = ".", *, namespace: str | None = None, lenient: bool = False
) -> Scenario:
    """Read a scenario from what a scenario file would say, manifests, base and short names included.

    Args:
        data: Plain values; ``schema`` may be left out, and names may be Python's: ``pre_stop`` for ``preStop``.
        base_dir: Directory that relative paths start from.
        namespace: As for :func:`load`.
        lenient: As for :func:`load`.

    Raises:
        InputError: Everything that is wrong.
    """
    plain = _as_in_a_file(data)
    places = dict.fromkeys(_paths(plain), Place(PYTHON))
    if "apiVersion" not in plain:  # else it is a manifest, and told so
        plain = {"schema": VERSION, **plain}
    try:
        document = the_document([Document(plain, {}, places)], "")
        return read(document, Path(base_dir), "scenario", namespace=namespace, lenient=lenient)
    except InputError as error:
        # What came from Python has no file; its path says where it stands.
        raise InputError(replace(d, file="") if d.file == PYTHON else d for d in error.diagnostics) from None


def _as_in_a_file(value: Any, path: Keys = ()) -> Any:
    """Return a value with the names of settings spelled as in a file.

    Raises:
        InputError: A name is given in both spellings.
    """
    if isinstance(value, list | tuple):
        return [_as_in_a_file(item, (*path, number)) for number, item in enumerate(value)]
    if not isinstance(value, Mapping) or path == ("thresholds",):
        return value
    written: dict[Any, Any] = {}
    for key, below in value.items():
        name = camel_case(key) if isinstance(key, str) else key
        if name in written:
            other = next(other for other in value if other != key and camel_case(str(other)) == name)
            raise InputError.of(f"is given twice, as {other} and as {key}", path=dotted((*path, name)))
        written[name] = _as_in_a_file(below, (*path, name))
    return written


def _paths(value: Any, path: Keys = ()) -> Iterator[Keys]:
    """Return the path of each value below one, and of itself."""
    yield path
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, below in parts:
        yield from _paths(below, (*path, key))
