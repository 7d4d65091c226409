"""Which keys a scenario file knows, and where: for "did you mean" and for the paths that can be changed."""

import difflib
import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from simsticky.scenario.application import OnSigterm
from simsticky.scenario.cluster import WithDelays
from simsticky.scenario.containers import PreStop
from simsticky.scenario.deployment import Deployment
from simsticky.scenario.distributions import LawBase
from simsticky.scenario.location import Keys, dotted
from simsticky.scenario.operation import BaseOperation
from simsticky.scenario.problems import did_you_mean
from simsticky.scenario.short_names import SHORT_NAMES

_WRITTEN: Mapping[type[BaseModel], tuple[str, ...]] = {
    PreStop: ("sleep", "fails", "waitUntil", "atMost"),
    OnSigterm: ("listener", "exit", "connections"),
}
"""Keys of models that are written otherwise than they are kept."""


def camel_case(word: str) -> str:
    """Return a name of Python's as a scenario file writes it: ``pre_stop`` is ``preStop``."""
    first, *others = word.split("_")
    return first + "".join(other.capitalize() for other in others) if first else word


def _models(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the models that may stand where the annotation is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in (Union, types.UnionType, tuple):
        return tuple(model for argument in get_args(annotation) for model in _models(argument))
    return (annotation,) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else ()


def _below(model: type[BaseModel]) -> dict[str, tuple[type[BaseModel], ...]]:
    """Return a model's keys, each with the models that may stand there."""
    for other, keys in _WRITTEN.items():
        if issubclass(model, other):
            return dict.fromkeys(keys, ())
    found = {field.alias or name: _models(field.annotation) for name, field in model.model_fields.items()}
    if issubclass(model, Deployment):
        found |= dict.fromkeys(SHORT_NAMES, ())
    if issubclass(model, WithDelays):
        found["delays"] = (LawBase,)
    return found


def models_below(model: type[BaseModel], key: str) -> tuple[type[BaseModel], ...]:
    """Return the models that may stand at a key of a model; none for a plain value."""
    return _below(model).get(key, ())


def _fitting(models: tuple[type[BaseModel], ...], data: Any) -> tuple[type[BaseModel], ...]:
    """Narrow a choice of models by the data's ``kind`` or verb, if that settles it."""
    if not isinstance(data, Mapping) or len(models) < 2:
        return models
    by_kind = tuple(model for model in models if (data.get("kind"),) == kinds_of((model,)))
    by_verb = tuple(model for model in models if issubclass(model, BaseOperation) and model.verb in data)
    return by_kind or by_verb or models


def models_at(root: type[BaseModel], path: Keys, data: Any) -> tuple[type[BaseModel], ...]:
    """Return the models that may stand at a path of the data, as far as the data settles it."""
    models: tuple[type[BaseModel], ...] = (root,)
    for key in path:
        models = _fitting(models, data)
        if isinstance(key, str):
            models = tuple(found for model in models for found in _below(model).get(key, ()))
            data = data.get(key) if isinstance(data, Mapping) else None
        else:
            data = data[key] if isinstance(data, list | tuple) and key < len(data) else None
    return _fitting(models, data)


def known_keys(root: type[BaseModel], path: Keys, data: Any) -> tuple[str, ...]:
    """Return the keys known below a path, in the order of the format."""
    return tuple(dict.fromkeys(key for model in models_at(root, path, data) for key in _below(model)))


def kinds_of(models: tuple[type[BaseModel], ...]) -> tuple[str, ...]:
    """Return the ``kind`` of each model that has one."""
    defaults = (model.model_fields["kind"].default for model in models if "kind" in model.model_fields)
    return tuple(kind for kind in defaults if isinstance(kind, str))


@cache
def all_paths(root: type[BaseModel]) -> tuple[str, ...]:
    """Return every dotted path of the format down to, and without, the inside of laws and lists."""

    def walk(model: type[BaseModel], prefix: Keys) -> list[str]:
        found = []
        for key, models in _below(model).items():
            found.append(dotted((*prefix, key)))
            for below in models:
                plain = not issubclass(below, LawBase) and len(models) == 1
                if plain and get_origin(_annotation(model, key)) is not tuple:
                    found += walk(below, (*prefix, key))
        return found

    return tuple(walk(root, ()))


def _annotation(model: type[BaseModel], key: str) -> Any:
    return next((f.annotation for name, f in model.model_fields.items() if (f.alias or name) == key), None)


def suggestion(root: type[BaseModel], path: Keys, data: Any) -> str:
    """Return what to say beside "unknown": the nearest key here, the right section, or what is known here."""
    parent, word = path[:-1], str(path[-1])
    here = known_keys(root, parent, data)
    near = difflib.get_close_matches(word.lower().replace("_", ""), [key.lower() for key in here], 1, 0.8)
    elsewhere = [p for p in all_paths(root) if p.rpartition(".")[2].lower() == word.lower() and "." in p]
    if not near and elsewhere:
        return f"did you mean {' or '.join(elsewhere[:3])}?"
    if close := did_you_mean(word, here):
        key = close.removeprefix("did you mean ")
        return f"did you mean {dotted(parent)}{'.' if parent else ''}{key}"
    names = {p.rpartition(".")[2]: p for p in reversed(all_paths(root)) if "." in p}
    if far := difflib.get_close_matches(word, names, 1, 0.75):
        return f"did you mean {names[far[0]]}?"
    return f"known: {', '.join(here)}" if here else ""
