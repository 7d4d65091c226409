"""YAML read as plain data, with the file, line and column of every key and value.

The reader composes ruamel.yaml's node graph (YAML 1.2: ``1:30`` and ``yes`` are strings, a date is a string)
and builds the plain data itself, so that every problem of the text is found at its own place: duplicate keys,
unrendered templates, aliases that contain themselves.
"""

import json
import math
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.docinfo import DocInfo
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLWarning
from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from simsticky.errors import Diagnostic, InputError

Keys = tuple[str | int, ...]
"""A path into plain data: mapping keys and list indices."""

_MOST_NODES = 500_000
_MOST_REPEATED = 50_000
"""Values that aliases repeat."""
_DEEPEST = 100
_TOO_DEEP = f"is nested too deeply: more than {_DEEPEST} levels"
_MOST_DIGITS = 1000
_TAG = "tag:yaml.org,2002:"
_TAGS = {"map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value", "!"}


_OLD_OCTAL = re.compile(r"[+-]?0[0-7]+", re.ASCII)
"""What YAML 1.1, which kubectl reads, takes as an octal number: 010 is 8."""
_OLD_BOOLEANS = {
    form: value
    for word, value in (("yes", True), ("on", True), ("no", False), ("off", False))
    for form in (word, word.capitalize(), word.upper())
}
"""What YAML 1.1, which kubectl reads, takes as true and false beside these words."""


class Place(NamedTuple):
    """Where a value stands, and what it is called there.

    Attributes:
        file: File as the person named it.
        line: Line, counted from 1; None for what is no file (``--set``).
        column: Column, counted from 1, or None.
        path: Dotted path within that file.
    """

    file: str
    line: int | None = None
    column: int | None = None
    path: str = ""


def dotted(keys: Keys) -> str:
    """Return a path as text: ``timeline.0.at``."""
    return ".".join(str(key) for key in keys)


def leading_to(paths: Iterable[Keys]) -> set[Keys]:
    """Return the paths above these: one of these only if it is above another."""
    return {path[:length] for path in paths for length in range(len(path))}


def keys_in(path: str) -> Keys:
    """Return the keys of a dotted path; numbers count list entries."""
    return tuple(_index(part) if part.isascii() and part.isdigit() else part for part in path.split("."))


def value_at(node: Any, key: str | int) -> Any:
    """Return the value of a mapping or list at a key; None where there is none."""
    if isinstance(node, Mapping):
        return node.get(key)
    return node[key] if isinstance(node, list) and isinstance(key, int) and key < len(node) else None


def _index(digits: str) -> int:
    return int(digits) if len(digits) < 10 else sys.maxsize  # no list is that long


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document.

    Attributes:
        data: Plain dicts, lists, strings, numbers, bools and None.
        keys: Place of each mapping key, by path.
        values: Place of each value, by path; the empty path is the document.
        duplicates: Line where each key that is given twice stands first, by path; the last one holds, as it does
            for the API server. Empty unless they were asked for.
    """

    data: Any
    keys: dict[Keys, Place] = field(repr=False)
    values: dict[Keys, Place] = field(repr=False)
    duplicates: dict[Keys, int] = field(repr=False, default_factory=dict)

    def place(self, path: Keys = (), *, of_key: bool = False) -> Place:
        """Return the place of a value (or of its key); of the nearest node above if there is none."""
        while True:
            found = (self.keys.get(path) if of_key else None) or self.values.get(path)
            if found is not None or not path:
                return found or Place("")
            path = path[:-1]

    def diagnostic(self, path: Keys, message: str, hint: str = "", *, of_key: bool = False) -> Diagnostic:
        """Return a diagnostic at a place of this document."""
        place = self.place(path, of_key=of_key)
        return Diagnostic(place.file, place.line, place.column, dotted(path), message, hint)


def read_documents(text: str, name: str, *, as_kubectl: bool = False) -> list[Document]:
    """Return the documents of a YAML (or JSON) text; empty ones are left out.

    Args:
        text: The text.
        name: What to call it in errors.
        as_kubectl: Read it as kubectl does: ``yes``, ``no``, ``on`` and ``off`` are true and false, and of a key given
            twice the last one holds, noted in the document's ``duplicates``.

    Raises:
        InputError: The text is no YAML, or says the same thing twice; all such problems at once.
    """
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    try:
        with warnings.catch_warnings():
            # What YAML 1.1 would have made of it, or an anchor used twice, concerns nobody here.
            warnings.simplefilter("ignore", YAMLWarning)
            for node, start in _compose(text):
                builder = _Builder(name, start, as_kubectl=as_kubectl)
                data = builder.build(node, (), ())
                problems += builder.problems
                if data is not None:
                    documents.append(Document(data, builder.keys, builder.values, builder.duplicates))
    except _RefusedError as refused:
        problems.append(refused.diagnostic)
    except _TooDeepError as error:
        problems.append(Diagnostic(name, error.line, error.column, "", _TOO_DEEP))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        what = ", ".join(part for part in (error.context, error.problem) if part)
        what = what.replace("expected '<document start>', but found", "behind its end there is")
        what = re.sub(r"\('([^']*)',\)", r"'\1'", what)  # the parser shows Python's tuples
        problems.append(Diagnostic(name, line, column, "", f"not valid YAML: {what}", _yaml_hint(text, line)))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.append(Diagnostic(name, line, None, "", f"not valid YAML: {error.reason}"))
    except RecursionError:
        problems.append(Diagnostic(name, None, None, "", _TOO_DEEP))
    except (YAMLError, ValueError, AssertionError, AttributeError, IndexError) as error:
        # The parser's own slips on malformed text: still the text's fault, and no reason for a traceback.
        problems.append(Diagnostic(name, None, None, "", f"not valid YAML: {error}"))
    if problems:
        raise InputError(problems)
    return documents


Start = tuple[int, int]
"""Lines above a text that was cut out of a file, and columns before it on its first line."""


def _compose(text: str) -> Iterator[tuple[Node, Start]]:
    for part, start in _parts(text):
        yaml = YAML(typ="safe", pure=True)
        yaml.max_depth = _DEEPEST
        yaml.Scanner = _Scanner
        yaml.doc_infos.append(DocInfo(requested_version=None))  # a %YAML directive writes there
        constructor, _ = yaml.get_constructor_parser(StringIO(part))
        try:
            while constructor.composer.check_node():
                yield constructor.composer.get_node(), start
        except MaxDepthExceededError as error:
            mark = error.problem_mark
            line, column = mark.line + 1 + start[0], mark.column + 1 + (0 if mark.line else start[1])
            raise _TooDeepError(line, column) from None


def _parts(text: str) -> Iterator[tuple[str, Start]]:
    """Yield a text, or each of the JSON values that it is made of: to YAML their tabs and their row are errors."""
    if not text.lstrip().startswith("{"):
        # A file that was put together from several may hold a byte order mark in its middle.
        yield re.sub("^\ufeff", "", text, flags=re.MULTILINE), (0, 0)
        return
    decoder = json.JSONDecoder()
    parts: list[tuple[str, Start]] = []
    at = 0
    try:
        while (begin := _JSON_SPACE.match(text, at).end()) < len(text):  # type: ignore[union-attr]  # matches always
            _, at = decoder.raw_decode(text, begin)
            line = text.count("\n", 0, begin)
            column = begin - (text.rfind("\n", 0, begin) + 1)
            # Within the strings of JSON there are no tabs.
            parts.append((text[begin:at].replace("\t", " "), (line, column)))
    except (ValueError, RecursionError):
        parts = [(text, (0, 0))]  # YAML that begins with a brace, or nothing at all: the parser says what is wrong
    yield from parts


_JSON_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]|^---[ \t]*$)*", re.MULTILINE)


class _Scanner(Scanner):
    """Reads everything as YAML 1.2, and gives up at the first bracket that is too deep.

    To go on at that bracket would cost time that grows with the square of the depth.
    """

    def scan_yaml_directive_value(self, start_mark: Any) -> Any:
        major, minor = super().scan_yaml_directive_value(start_mark)
        self.yaml_version = (1, 2) if major == 1 else (major, minor)  # "%YAML 1.1" would make yes a bool
        return self.yaml_version

    def fetch_flow_collection_start(self, *arguments: Any, **named: Any) -> None:
        if len(self.flow_context) >= _DEEPEST:
            raise MaxDepthExceededError(None, None, None, self.reader.get_mark())
        super().fetch_flow_collection_start(*arguments, **named)


def _yaml_hint(text: str, line: int | None) -> str:
    content = text.split("\n")[line - 1] if line is not None and line <= text.count("\n") + 1 else ""
    if "{{" in content:
        return "a template? render it first, for example with helm template"
    if "\t" in content[: len(content) - len(content.lstrip())]:
        return "YAML is indented with blanks, not with tabs"
    return ""


class _TooDeepError(Exception):
    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column


class _RefusedError(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


class _Builder:
    """Builds the plain data of one document, and notes where everything stands."""

    def __init__(self, name: str, start: Start = (0, 0), *, as_kubectl: bool = False) -> None:
        self.name = name
        self.start = start
        self.as_kubectl = as_kubectl
        self.duplicates: dict[Keys, int] = {}
        self.keys: dict[Keys, Place] = {}
        self.values: dict[Keys, Place] = {}
        self.problems: list[Diagnostic] = []
        self._built = self._repeated = 0
        self._once: set[int] = set()

    def build(self, node: Node, path: Keys, above: tuple[int, ...]) -> Any:
        self._built += 1
        self._repeated += id(node) in self._once
        self._once.add(id(node))
        if self._built > _MOST_NODES or self._repeated > _MOST_REPEATED:
            raise self._refused(node, path, "expands to too many values")
        if len(above) > _DEEPEST:
            raise self._refused(node, path, _TOO_DEEP)
        if id(node) in above:
            raise self._refused(node, path, "contains itself")
        self.values[path] = self._place(node, path)
        tag = str(node.tag).removeprefix(_TAG)
        if tag not in _TAGS:
            raise self._refused(node, path, f"the tag {tag} has no meaning here")
        if isinstance(node, ScalarNode):
            return self._scalar(node, tag, path)
        above = (*above, id(node))
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, i), above) for i, item in enumerate(node.value)]
        return self._mapping(node, path, above)

    def _mapping(self, node: Node, path: Keys, above: tuple[int, ...]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        inherited: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == _TAG + "merge":
                inherited = self._inherited(value_node, path, above) | inherited
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                text = "a mapping or list cannot be a key"
                hint = "an unrendered template? run helm template first"
                self.problems.append(self._diagnostic(key_node, path, text, hint))
                continue
            if str(key_node.tag) == _TAG + "merge":
                continue
            key = self._text(key_node, path, str(key_node.value))
            below = (*path, key)
            if key in built:
                first = self.keys[below].line
                if self.as_kubectl:
                    self._forget(below, built[key])
                    self.duplicates[below] = first or 0
            if key in built and not self.as_kubectl:
                text = f"duplicate key, first given on line {first}"
                self.problems.append(self._diagnostic(key_node, below, text))
                continue
            self.keys[below] = self._place(key_node, below)
            built[key] = self.build(value_node, below, above)
        return inherited | built

    def _forget(self, path: Keys, value: Any) -> None:
        """Drop the places of a value that another one replaces."""
        self.keys.pop(path, None)
        self.values.pop(path, None)
        inside: Iterable[tuple[str | int, Any]] = enumerate(value) if isinstance(value, list) else ()
        for key, below in value.items() if isinstance(value, dict) else inside:
            self._forget((*path, key), below)

    def _inherited(self, node: Node, path: Keys, above: tuple[int, ...]) -> dict[str, Any]:
        """Return what ``<<`` brings in: one mapping, or several of which the first wins."""
        found: dict[str, Any] = {}
        here = self.values[path]
        for other in reversed(node.value) if isinstance(node, SequenceNode) else [node]:
            built = self.build(other, path, above)
            if not isinstance(built, dict):
                raise self._refused(other, path, "only mappings can be merged with <<")
            found |= built
        self.values[path] = here
        return found

    def _scalar(self, node: ScalarNode, tag: str, path: Keys) -> Any:
        text = str(node.value)
        if node.style == '"' and not text.isascii():
            # JSON writes what is beyond 16 bits as two halves.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int":
            return self._number(node, path, text)
        if tag == "float":
            return _float(text)
        if self.as_kubectl and tag == "str" and node.style is None and text in _OLD_BOOLEANS:
            return _OLD_BOOLEANS[text]
        return self._text(node, path, text)

    def _text(self, node: Node, path: Keys, text: str) -> str:
        """Return a text; JSON writes what is beyond 16 bits as two halves, and half a character is none."""
        if text.isascii():
            return text
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._refused(node, path, "holds half a character: a surrogate without its other half") from None

    def _number(self, node: ScalarNode, path: Keys, text: str) -> int | str:
        digits = text.replace("_", "")
        if len(digits) > _MOST_DIGITS:
            raise self._refused(node, path, "the number has too many digits")
        if self.as_kubectl and _OLD_OCTAL.fullmatch(digits):
            return int(digits, 8)
        try:
            return int(digits, 10) if digits.lstrip("+-").isdigit() else int(digits, 0)
        except ValueError:
            return text

    def _place(self, node: Node, path: Keys) -> Place:
        line, column = node.start_mark.line, node.start_mark.column
        return Place(self.name, line + 1 + self.start[0], column + 1 + (0 if line else self.start[1]), dotted(path))

    def _diagnostic(self, node: Node, path: Keys, text: str, hint: str = "") -> Diagnostic:
        place = self._place(node, path)
        return Diagnostic(place.file, place.line, place.column, place.path, text, hint)

    def _refused(self, node: Node, path: Keys, text: str) -> _RefusedError:
        return _RefusedError(self._diagnostic(node, path, text))


def _float(text: str) -> float:
    plain = text.replace("_", "").lower()
    if plain.endswith(".inf"):
        return -math.inf if plain.startswith("-") else math.inf
    return math.nan if plain.endswith(".nan") else float(plain)
