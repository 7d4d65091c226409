"""Which cookie is the sticky one, and what tells sessions apart: decided from figures, and said with them.

A sticky cookie that names the *target* has about as many values as there are targets, each shared by many clients; it
cannot tell sessions apart. Then come, in this order: another cookie or a header that follows one client, the consumer,
and last the client's address with its user agent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simsticky.errors import InputError
from simsticky.logs.columns import Plan
from simsticky.logs.formats.nginx_text import STICKY
from simsticky.logs.survey import Trait
from simsticky.units import quoted

_STICKY_NAMES = frozenset(("ingresscookie", "route", "serverid", "srv", "awsalb", "awsalbcors", "sticky", STICKY))
"""Cookies of gateways, lower case: ingress-nginx, HAProxy's and nginx's manuals, AWS, Traefik's example."""
_OF_SESSIONS = re.compile(r"sess|sid$|^sid|jsession|connect\.", re.IGNORECASE)
_OF_BROWSERS = re.compile(r"^(?:_ga|_gid|_gcl|_fb|_hj|ajs_|amp_|optimizely|_pk_)", re.IGNORECASE)

_FEW = 100
"""Requests below which figures say little."""


@dataclass(frozen=True)
class Choice:
    """What was decided from the first requests.

    Attributes:
        plan: What to keep of the lines.
        names_target: Whether the sticky cookie's values name targets.
        quality: Of the key: ``certain``, ``good``, ``weak``; empty where nothing tells sessions apart.
        stated: Whether the user chose the key.
        refused: Why better known keys were left aside, as sentences.
    """

    plan: Plan
    names_target: bool
    quality: str
    stated: bool = False
    refused: tuple[str, ...] = ()


def names_target(trait: Trait) -> bool:
    """Return whether a cookie's values are names of targets: as many as pods, each bound to one, shared by clients."""
    if trait.kind != "cookie" or not trait.pods or trait.values > 1.5 * trait.pods + 1:
        return False
    if trait.pods == 1:
        # With one pod every constant looks like its name; only what the gateway sets may be one.
        return trait.set_share > 0 and trait.values == 1 and trait.clients > 2
    if trait.values < 2 or not trait.purity >= 0.8:
        return False
    return trait.per_value >= 20 if math.isnan(trait.clients) or trait.all_clients < 2 else trait.clients >= 1.5


def tells_apart(trait: Trait) -> bool:
    """Return whether values follow clients: many, most of them of one client, and met again."""
    if trait.values < 2 or names_target(trait) or trait.covered < 0.2 or trait.per_value < 1.1:
        return False
    one_client = math.isnan(trait.clients) or trait.clients <= 2.0
    if trait.kind == "consumer":
        # A handful of consumers are programs that many people use.
        return trait.values >= 10 and trait.largest < 0.5 and one_client
    return one_client


def sticky_of(traits: Sequence[Trait]) -> tuple[str, bool]:
    """Return the name of the sticky cookie, empty if there is none, and whether it names targets."""
    cookies = [trait for trait in traits if trait.kind == "cookie"]
    if targets := [trait for trait in cookies if names_target(trait)]:
        return max(targets, key=lambda trait: (trait.set_share > 0, trait.covered, trait.purity)).name, True
    if known := [trait for trait in cookies if trait.name.lower() in _STICKY_NAMES]:
        return max(known, key=lambda trait: trait.covered).name, False
    following = [trait for trait in cookies if tells_apart(trait) and trait.set_share > 0 and trait.purity >= 0.8]
    return (max(following, key=lambda trait: trait.purity * trait.covered).name if following else ""), False


def choose(traits: Sequence[Trait], session_key: str | None = None) -> Choice:
    """Return what to keep of a log's lines.

    Args:
        traits: Figures of its first requests.
        session_key: ``cookie:NAME``, ``header:NAME``, ``consumer``, ``ip+ua`` or ``ip``; None to look for it.

    Raises:
        InputError: The stated key is none, or names targets.
    """
    sticky, targets = sticky_of(traits)
    refused = tuple(refusal(trait) for trait in traits if names_target(trait))
    if session_key is not None:
        kind, name = parse_key(session_key)
        trait = next((each for each in traits if (each.kind, each.name.lower()) == (kind, name.lower())), None)
        if trait is not None and names_target(trait):
            hint = f"what tells them apart: {_other_keys(traits)}"
            raise InputError.of(refusal(trait), path="--session-key", hint=hint)
        quality = "good" if trait is None else _quality(trait) or "weak"
        return Choice(Plan(sticky, kind, trait.name if trait and not name else name), targets, quality, True, refused)
    able = [trait for trait in traits if tells_apart(trait)]
    best = max(able, key=_rank, default=None)
    if best is not None and (best.kind != "client" or not (why := _crowded(best))):
        return Choice(Plan(sticky, best.kind, best.name), targets, _quality(best), False, refused)
    clients = next((trait for trait in traits if trait.kind == "client"), None)
    why = _crowded(clients) if clients is not None else "The log has no addresses of clients."
    if why:
        return Choice(Plan(sticky, "client", ""), targets, "", False, (*refused, why))
    return Choice(Plan(sticky, "client", ""), targets, "weak", False, refused)


def refusal(trait: Trait) -> str:
    """Return why a cookie that names targets is no key, as a sentence."""
    shared = (
        "" if math.isnan(trait.clients) or trait.all_clients < 2 else f", each shared by {trait.clients:.3g} clients"
    )
    return (
        f"The cookie {trait.name} names the target, not the session ({trait.values} values for {trait.pods} "
        f"{'pod' if trait.pods == 1 else 'pods'}{shared}), so it cannot tell sessions apart."
    )


def parse_key(text: str) -> tuple[str, str]:
    """Return kind and name of a key as people write it.

    Raises:
        InputError: It is none.
    """
    kind, colon, name = text.partition(":")
    if kind in ("cookie", "header") and colon and name:
        return kind, name
    if text in ("consumer", "ip+ua", "ip"):
        return ("consumer", "") if text == "consumer" else ("client", "" if text == "ip+ua" else "ip")
    hint = "cookie:NAME, header:NAME, consumer, ip+ua or ip"
    raise InputError.of(f"{quoted(text)} tells nothing apart", path="--session-key", hint=hint)


def _rank(trait: Trait) -> tuple[int, int, bool, float]:
    order = {"cookie": 3, "header": 3, "consumer": 2, "client": 1}[trait.kind]
    known = 0
    if trait.kind != "client":
        known = 2 if _OF_SESSIONS.search(trait.name) else 0 if _OF_BROWSERS.search(trait.name) else 1
    return order, known, trait.purity >= 0.8, trait.covered


def _quality(trait: Trait) -> str:
    if trait.kind == "client":
        return "weak"
    browser = _OF_BROWSERS.search(trait.name) or trait.kind == "consumer"
    alone = math.isnan(trait.clients) or trait.clients <= 1.2
    return "certain" if alone and not browser and trait.covered >= 0.5 else "good"


def _crowded(trait: Trait) -> str:
    """Return why addresses do not tell people apart, as a sentence; empty if they may."""
    if trait.requests >= _FEW and (trait.values < 5 or trait.largest > 0.5):
        return (
            f"Address and user agent cannot tell sessions apart: {trait.values} of them in {trait.requests} requests, "
            f"one with {100 * trait.largest:.0f} %; a proxy may stand before the gateway."
        )
    return ""


def _other_keys(traits: Iterable[Trait]) -> str:
    able = sorted((trait for trait in traits if tells_apart(trait)), key=_rank, reverse=True)
    spelled = {"client": "ip+ua", "consumer": "consumer"}
    names = [spelled.get(trait.kind, f"{trait.kind}:{trait.name}") for trait in able]
    return ", ".join(names[:3]) or "nothing in this log; log a cookie of the application's, too"
