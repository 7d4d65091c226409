"""Inputs that somebody has spoilt: the shipped scenarios and manifests, changed in structure or in bytes."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MANIFESTS = SCENARIOS / "manifests"

HEAD = "schema: simsticky/1\nmanifests: [app.yaml]\n"

JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    2**63,
    -(2**31),
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "x",
    "-5s",
    "1:30",
    "1ns",
    "9" * 400,
    "9" * 400 + "s",
    "9" * 400 + "%",
    "٣",
    "０x１",
    "\u202e",
    "\0",
    "a\nb",
    "[/red]",
    "../..",
    "/dev/zero",
    "%",
    "{{ x }}",
    "preStop + 30s",
    "-" * 2000,
    "(" * 2000,
    "é" * 300,
    "y" * 5000,
    [],
    [1],
    [[]],
    [{}],
    {},
    {"a": 1},
    {"kind": "x"},
    {"kind": "exponential", "mean": "1s"},
    {"kind": "pareto", "alpha": 0.1, "min": "1s"},
    {"kind": "lognormal", "median": "1s", "sigma": 1e6},
    {"kind": "constant", "value": "1ns"},
    {"kind": "empirical", "values": []},
    {"": ""},
]

BYTES = [
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"\t",
    b"\r",
    b"\n",
    b"\n---\n",
    b"\n...\n",
    b"- ",
    b"? ",
    b": ",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!int ",
    b"!!python/object:os.system ",
    b"%YAML 1.1\n---\n",
    b"%TAG ! !x\n---\n",
    b"{" * 50,
    b"[" * 200,
    b"]",
    b"}",
    b"'",
    b'"',
    b'"\\ud800"',
    b"#",
    b"|",
    b">",
    b"|9\n",
    b"@",
    b"`",
    b"{{ .Values.x }}",
    b"0x" + b"f" * 2000,
    b"9" * 500,
    b"1e999",
    b".inf",
    b".nan",
    b"~",
    b"null",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"base: s.yaml\n",
    b"manifests: [.]\n",
]


@dataclass(frozen=True)
class Spoilt:
    """One case.

    Attributes:
        number: Its number, which is its seed.
        files: Its files by name; ``s.yaml`` is the scenario.
    """

    number: int
    files: dict[str, bytes]


def spoilt(number: int) -> Spoilt:
    """Return a case; the same number gives the same bytes."""
    luck = random.Random(number)
    sources = sorted([*SCENARIOS.glob("*.yaml"), *MANIFESTS.glob("*.yaml")])
    source = luck.choice(sources)
    content = source.read_bytes()
    changed = _bytes(content, luck) if luck.random() < 0.5 else spoilt_structure(content, luck)
    if source.parent == SCENARIOS:
        return Spoilt(number, {"s.yaml": changed})
    return Spoilt(number, {"s.yaml": HEAD.encode(), "app.yaml": changed})


def _bytes(content: bytes, luck: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(luck.choice((1, 1, 2, 4))):
        at = luck.randrange(len(changed) + 1)
        end = min(len(changed), at + luck.choice((1, 2, 8, 40, 400)))
        kind = luck.randrange(6)
        if kind == 0:
            changed[at:at] = luck.choice(BYTES)
        elif kind == 1:
            changed[at:end] = luck.choice(BYTES)
        elif kind == 2:
            del changed[at:end]
        elif kind == 3:
            changed[at:at] = changed[at:end]
        elif kind == 4 and at < len(changed):
            changed[at] = luck.randrange(256)
        else:
            other = luck.randrange(len(changed) + 1)
            changed[at:at] = changed[other : other + (end - at)]
    return bytes(changed)


def spoilt_structure(content: bytes, luck: random.Random) -> bytes:
    documents = [document for document in YAML(typ="safe", pure=True).load_all(content) if document is not None]
    for _ in range(luck.choice((1, 1, 2, 3))):
        document = luck.randrange(len(documents))
        documents[document] = _changed(documents[document], luck)
    return b"\n---\n".join(_written(document) for document in documents)


def _written(data: Any) -> bytes:
    text = json.dumps(data, default=str, ensure_ascii=False).replace("NaN", ".nan").replace("Infinity", ".inf")
    return text.encode("utf-8", "surrogatepass")


def _changed(data: Any, luck: random.Random) -> Any:
    data = copy.deepcopy(data)
    places = list(_places(data))
    if not places:
        return luck.choice(JUNK)
    holder, key = luck.choice(places)
    kind = luck.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[luck.choice([str(key).upper(), f"{key}s", str(key)[1:], "kind", "delays", "\x1b"])] = holder.pop(key)
    elif kind == 2:
        other, at = luck.choice(places)
        holder[key] = copy.deepcopy(other[at])
    elif kind == 3:
        for _ in range(luck.choice((1, 5, 120))):
            holder[key] = [holder[key]] if luck.random() < 0.5 else {"a": holder[key]}
    elif kind == 4 and isinstance(holder[key], list):
        holder[key] = holder[key] * luck.choice((2, 3, 50))
    else:
        holder[key] = luck.choice(JUNK)
    return data


def _places(node: Any) -> Any:
    children = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, below in children:
        yield node, key
        yield from _places(below)
