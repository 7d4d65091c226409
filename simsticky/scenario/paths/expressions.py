"""Values that follow other settings: ``deployment.grace: "preStop + 30s"``.

An expression adds, subtracts, multiplies and divides durations, rates, numbers and the names of settings, with
parentheses. A name is looked for beside the setting that is changed (``preStop`` for ``deployment.grace``), then as
a full path, then as the only setting of that name. It stands for the value after all other changes. Inside its own
expression a name means the old value: ``rate * 2`` doubles it. A setting in whole seconds or whole pods takes the next
whole number up.
"""

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.location import Keys, dotted, keys_in
from simsticky.scenario.paths.quantities import TEXT, Dimension, Quantity, number_at, quantity_of
from simsticky.scenario.paths.vocabulary import all_paths, camel_case, known_keys
from simsticky.scenario.sections import Sections
from simsticky.scenario.short_names import full_keys
from simsticky.units import parse_duration, parse_number, parse_rate, quoted

_TOKEN = re.compile(
    r"\s*(?:(?P<rate>\d+\.?\d*/(?:s|min|h|d)\b)"
    r"|(?P<time>(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+(?![A-Za-z]))"
    r"|(?P<number>\d+\.?\d*|\.\d+)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)"
    r"|(?P<sign>[-+*/()]))",
    re.ASCII,
)
_DEEPEST = 50
"""Parentheses in one another."""
_SIGNS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Amount:
    """A number on its way through an expression.

    Attributes:
        value: In seconds, per second, or plain.
        dimension: What it is a number of.
        bare: Whether it is a number as written, which counts as seconds beside a time.
    """

    value: float
    dimension: Dimension
    bare: bool = False


class _NotAnExpressionError(ValueError):
    """The text is something else, and whoever reads it next says what is wrong with it."""


class _CannotBeWorkedOutError(ValueError):
    """It is an expression, and has no value."""


def names_in(scenario: Sections, path: Keys, value: Any) -> tuple[Keys, ...]:
    """Return the settings that a value for a path follows, by full path; none when it is a plain value.

    Raises:
        InputError: It is an expression, and a name in it is no setting.
    """
    tokens = _expression(scenario, path, value)
    if tokens is None:
        return ()
    return tuple(dict.fromkeys(_found(scenario, path, token.text) for token in tokens if token.kind == "name"))


def worked_out(
    scenario: Sections, changes: Mapping[Keys, Any], evolve: Callable[[Mapping[str, Any]], Sections], source: str
) -> dict[Keys, Any]:
    """Return the changes with every expression replaced by its value.

    Args:
        scenario: The scenario before the changes.
        changes: New values by path, some of them expressions.
        evolve: Returns the scenario with plain changes by dotted path.
        source: Who asks, for errors.

    Raises:
        InputError: An expression cannot be worked out.
    """
    plain = dict(changes)
    open_: dict[Keys, list[_Token]] = {}
    problems: list[Diagnostic] = []
    for path, value in changes.items():
        try:
            tokens = _expression(scenario, path, value)
        except InputError as error:
            problems += [_at(source, path, d.message, d.hint) for d in error.diagnostics]
            continue
        if tokens is not None:
            open_[path] = tokens
            del plain[path]
    if problems:
        raise InputError(problems)
    if not open_:
        return plain
    while open_:
        full = {full_keys(path) for path in open_}
        ready = [
            path
            for path, tokens in open_.items()
            if not ({_found(scenario, path, t.text) for t in tokens if t.kind == "name"} - {full_keys(path)}) & full
        ]
        if not ready:
            circle = " and ".join(dotted(path) for path in open_)
            raise InputError([_at(source, next(iter(open_)), f"{circle} follow each other in a circle", "")])
        now = evolve({dotted(path): value for path, value in plain.items()}) if plain else scenario
        for path in ready:
            tokens = open_.pop(path)
            try:
                plain[path] = _value(scenario, now, path, tokens)
            except ValueError as error:
                problems.append(_at(source, path, str(error), ""))
        if problems:
            raise InputError(problems)
    return {path: plain[path] for path in changes}


def _at(source: str, path: Keys, message: str, hint: str) -> Diagnostic:
    return Diagnostic(source, None, None, dotted(path), message, hint)


def _expression(scenario: Sections, path: Keys, value: Any) -> list[_Token] | None:
    """Return the tokens of an expression, or None when the value is a plain one."""
    if not isinstance(value, str) or not re.search(r"[A-Za-z_]", value) or _is_plain(value):
        return None
    if quantity_of(scenario, path) == TEXT:
        return None
    try:
        tokens = _tokens(value)
        with suppress(_CannotBeWorkedOutError):  # told when it is worked out
            _parse(tokens, lambda name: _Amount(1.0, "number", bare=True))
    except _NotAnExpressionError:
        return None  # whatever it is, the setting's own reader says what is wrong with it
    names = [token.text for token in tokens if token.kind == "name"]
    if not names:
        return tokens if len(tokens) > 1 else None
    if len(tokens) == 1 and _find(scenario, path, names[0]) is None:
        return None
    for name in names:
        _found(scenario, path, name)
    return tokens


def _is_plain(value: str) -> bool:
    for read in (lambda text: parse_duration(text, allow_negative=True), parse_rate):
        try:
            read(value)
        except ValueError:
            continue
        return True
    return False


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _NotAnExpressionError(text)
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


def _value(before: Sections, now: Sections, path: Keys, tokens: list[_Token]) -> str | int | float:
    own = full_keys(path)

    def amount(name: str) -> _Amount:
        keys = _found(before, path, name)
        try:
            value, quantity = number_at(before if keys == own else now, keys)
        except ValueError as error:
            raise ValueError(f"{dotted(keys)} {error}") from None
        return _Amount(value, quantity.dimension)

    result = _parse(tokens, amount)
    quantity = quantity_of(now, path)
    if result.dimension != quantity.dimension and not result.bare:
        raise ValueError(f"{_told(tokens)} is {_A[result.dimension]}, and {dotted(path)} is {_A[quantity.dimension]}")
    if result.value < 0:
        raise ValueError(f"{_told(tokens)} comes to {_shown(result.value, quantity)}, below zero")
    return quantity.write(result.value)


def _told(tokens: list[_Token]) -> str:
    text = " ".join(token.text for token in tokens)
    return text if len(text) <= _LONGEST_TOLD else text[:_LONGEST_TOLD] + "..."


_LONGEST_TOLD = 80

_A: Mapping[Dimension, str] = {"time": "a time", "rate": "a rate", "number": "a number", "text": "no number"}


def _shown(value: float, quantity: Quantity) -> str:
    return f"-{quantity.write(-value)}"


def _find(scenario: Sections, path: Keys, name: str) -> Keys | None:
    """Return the full keys of the setting that a name stands for, or None."""
    root, data = type(scenario), scenario.to_json_dict()
    parts = tuple(part if isinstance(part, int) else camel_case(part) for part in keys_in(name))
    beside = [(*path[:depth], *parts) for depth in range(len(path) - 1, -1, -1)]
    known = next((keys for keys in beside if _exists(root, keys, data)), None)
    if known is not None:
        return full_keys(known)
    same = [tuple(known.split(".")) for known in all_paths(root) if known.rpartition(".")[2] == parts[0]]
    full = {full_keys((*keys, *parts[1:])) for keys in same if _exists(root, (*keys, *parts[1:]), data)}
    return full.pop() if len(full) == 1 else None


def _exists(root: type[Sections], keys: Keys, data: Any) -> bool:
    return all(isinstance(key, int) or key in known_keys(root, keys[:i], data) for i, key in enumerate(keys))


def _found(scenario: Sections, path: Keys, name: str) -> Keys:
    keys = _find(scenario, path, name)
    if keys is None:
        root = type(scenario)
        beside = known_keys(root, path[:-1], scenario.to_json_dict())
        near = difflib.get_close_matches(name, beside, 1, 0.6) or difflib.get_close_matches(
            name, all_paths(root), 1, 0.7
        )
        hint = f"did you mean {near[0]}?" if near else ""
        raise InputError([_at("", path, f"there is no setting {quoted(name)}", hint)])
    return keys


def _parse(tokens: list[_Token], amount: Callable[[str], _Amount]) -> _Amount:
    """Work out a sum of products; ``amount`` knows the names.

    Raises:
        ValueError: The tokens are no expression, or add what cannot be added.
    """
    rest = tokens[::-1]
    if _depth(tokens) > _DEEPEST:
        raise _CannotBeWorkedOutError(f"more than {_DEEPEST} parentheses are open at once")

    def next_is(*signs: str) -> bool:
        return bool(rest) and rest[-1].kind == "sign" and rest[-1].text in signs

    def factor() -> _Amount:
        negative = False
        while next_is("-"):
            rest.pop()
            negative = not negative
        found = operand()
        return _Amount(-found.value, found.dimension, found.bare) if negative else found

    def operand() -> _Amount:
        if not rest:
            raise _NotAnExpressionError("it ends too early")
        token = rest.pop()
        if token.kind == "name":
            return amount(token.text)
        if token.kind != "sign":
            return _written(token)
        if token.text != "(":
            raise _NotAnExpressionError(token.text)
        inner = total()
        if not next_is(")"):
            raise _NotAnExpressionError("a parenthesis is open")
        rest.pop()
        return inner

    def product() -> _Amount:
        left = factor()
        while next_is("*", "/"):
            left = _scaled(left, rest.pop().text, factor())
        return left

    def total() -> _Amount:
        left = product()
        while next_is("+", "-"):
            left = _added(left, rest.pop().text, product())
        return left

    found = total()
    if rest:
        raise _NotAnExpressionError(rest[-1].text)
    return found


def _depth(tokens: list[_Token]) -> int:
    """Return how many parentheses are open at once, at the most."""
    steps = ({"(": 1, ")": -1}.get(token.text, 0) for token in tokens)
    return max(accumulate(steps), default=0)


def _written(token: _Token) -> _Amount:
    """Return the amount that a number, a time or a rate states."""
    try:
        if token.kind == "time":
            return _Amount(parse_duration(token.text), "time")
        if token.kind == "rate":
            return _Amount(parse_rate(token.text), "rate")
        return _Amount(parse_number(token.text), "number", bare=True)
    except ValueError as error:
        raise _CannotBeWorkedOutError(str(error)) from None


def _added(left: _Amount, sign: str, right: _Amount) -> _Amount:
    if left.dimension != right.dimension and not (left.bare or right.bare):
        raise _CannotBeWorkedOutError(f"{_A[left.dimension]} and {_A[right.dimension]} cannot be added")
    kept = right if left.bare else left
    return _Amount(_SIGNS[sign](left.value, right.value), kept.dimension, left.bare and right.bare)


def _scaled(left: _Amount, sign: str, right: _Amount) -> _Amount:
    if sign == "/" and right.value == 0:
        raise _CannotBeWorkedOutError("it divides by zero")
    value = _SIGNS[sign](left.value, right.value)
    if right.dimension == "number":
        return _Amount(value, left.dimension, left.bare and right.bare)
    if sign == "*" and left.dimension == "number":
        return _Amount(value, right.dimension)
    if sign == "/" and left.dimension == right.dimension:
        return _Amount(value, "number")
    raise _CannotBeWorkedOutError(f"{_A[left.dimension]} {sign} {_A[right.dimension]} is neither a time nor a number")
