"""The API server's rules for a KongUpstreamPolicy, as the CRD states them.

Source: Kong/kubernetes-configuration, api/configuration/v1beta1/kongupstreampolicy_types.go (v1.5.2, used by
Kong Ingress Controller 3.5): twelve CEL rules and the minimum length of the cookie's name. The texts are the
API server's own; the hints are ours.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Violation(NamedTuple):
    """A rule that a policy breaks.

    Attributes:
        path: Where, below ``spec``: the deepest node that exists and holds the fault.
        message: The API server's text.
        hint: How to mend it.
    """

    path: tuple[str, ...]
    message: str
    hint: str


_HASH_ON = ("input", "cookie", "header", "uriCapture", "queryArg")
_FALLBACK = ("input", "header", "uriCapture", "queryArg")


def _has(node: Any, *path: str) -> bool:
    for key in path:
        if not isinstance(node, Mapping) or node.get(key) is None:
            return False
        node = node[key]
    return True


def _get(node: Any, *path: str) -> Any:
    return node if not path else (_get(node[path[0]], *path[1:]) if _has(node, path[0]) else None)


def _given(spec: Mapping[str, Any], section: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if _has(spec, section, name)]


def _one_hash_on(spec: Mapping[str, Any]) -> Violation | None:
    given = _given(spec, "hashOn", _HASH_ON)
    if len(given) <= 1:
        return None
    return Violation(
        ("hashOn",),
        "Only one of spec.hashOn.(input|cookie|header|uriCapture|queryArg) can be set.",
        f"keep one of {', '.join(given)}",
    )


def _cookie_needs_path(spec: Mapping[str, Any]) -> Violation | None:
    if not _has(spec, "hashOn", "cookie") or _has(spec, "hashOn", "cookiePath"):
        return None
    return Violation(
        ("hashOn", "cookie"),
        "When spec.hashOn.cookie is set, spec.hashOn.cookiePath is required.",
        "add cookiePath: /",
    )


def _path_needs_cookie(spec: Mapping[str, Any]) -> Violation | None:
    if not _has(spec, "hashOn", "cookiePath") or _has(spec, "hashOn", "cookie"):
        return None
    return Violation(
        ("hashOn", "cookiePath"),
        "When spec.hashOn.cookiePath is set, spec.hashOn.cookie is required.",
        "name the cookie, or leave cookiePath out",
    )


def _hash_on_needs_algorithm(spec: Mapping[str, Any]) -> Violation | None:
    if not _has(spec, "hashOn") or spec.get("algorithm") in ("consistent-hashing", "sticky-sessions"):
        return None
    return Violation(
        ("hashOn",),
        "spec.algorithm must be set to either 'consistent-hashing' or 'sticky-sessions' when spec.hashOn is set.",
        "set algorithm, or leave hashOn out",
    )


def _one_fallback(spec: Mapping[str, Any]) -> Violation | None:
    given = _given(spec, "hashOnFallback", _FALLBACK)
    if len(given) <= 1:
        return None
    return Violation(
        ("hashOnFallback",),
        "Only one of spec.hashOnFallback.(input|header|uriCapture|queryArg) can be set.",
        f"keep one of {', '.join(given)}",
    )


def _fallback_needs_algorithm(spec: Mapping[str, Any]) -> Violation | None:
    if not _has(spec, "hashOnFallback") or spec.get("algorithm") == "consistent-hashing":
        return None
    return Violation(
        ("hashOnFallback",),
        'spec.algorithm must be set to "consistent-hashing" when spec.hashOnFallback is set.',
        "set algorithm: consistent-hashing, or leave hashOnFallback out",
    )


def _no_fallback_with_cookie(spec: Mapping[str, Any]) -> Violation | None:
    if not (_has(spec, "hashOnFallback") and _has(spec, "hashOn", "cookie")):
        return None
    return Violation(
        ("hashOnFallback",),
        "spec.hashOnFallback must not be set when spec.hashOn.cookie is set.",
        "leave hashOnFallback out: a missing cookie is generated",
    )


def _no_passive_interval(state: str) -> Callable[[Mapping[str, Any]], Violation | None]:
    def rule(spec: Mapping[str, Any]) -> Violation | None:
        path = ("healthchecks", "passive", state, "interval")
        if not _has(spec, *path):
            return None
        text = f"spec.healthchecks.passive.{state}.interval must not be set."
        return Violation(path, text, "passive checks have no interval, leave it out")

    return rule


def _sticky_needs_hash_on_none(spec: Mapping[str, Any]) -> Violation | None:
    others = ("cookie", "cookiePath", "header", "uriCapture", "queryArg")
    if not _has(spec, "stickySessions"):
        return None
    if _get(spec, "hashOn", "input") == "none" and not _given(spec, "hashOn", others):
        return None
    return Violation(
        ("hashOn",) if _has(spec, "hashOn") else ("stickySessions",),
        "When spec.stickySessions is set, spec.hashOn.input must be set to 'none' (no other hash_on fields allowed).",
        "write hashOn: {input: none}",
    )


def _sticky_needs_cookie(spec: Mapping[str, Any]) -> Violation | None:
    if not _has(spec, "stickySessions") or _has(spec, "stickySessions", "cookie"):
        return None
    return Violation(
        ("stickySessions",),
        "spec.stickySessions.cookie is required when spec.stickySessions is set.",
        "name the cookie, for example cookie: session-id",
    )


def _sticky_needs_algorithm(spec: Mapping[str, Any]) -> Violation | None:
    if not _has(spec, "stickySessions") or spec.get("algorithm") == "sticky-sessions":
        return None
    return Violation(
        ("stickySessions",),
        "spec.algorithm must be set to 'sticky-sessions' when spec.stickySessions is set.",
        "set algorithm: sticky-sessions, or leave stickySessions out",
    )


def _cookie_not_empty(spec: Mapping[str, Any]) -> Violation | None:
    if _get(spec, "stickySessions", "cookie") != "":
        return None
    return Violation(
        ("stickySessions", "cookie"),
        "spec.stickySessions.cookie in body should be at least 1 chars long",
        "name the cookie, for example cookie: session-id",
    )


RULES: tuple[Callable[[Mapping[str, Any]], Violation | None], ...] = (
    _one_hash_on,
    _cookie_needs_path,
    _path_needs_cookie,
    _hash_on_needs_algorithm,
    _one_fallback,
    _fallback_needs_algorithm,
    _no_fallback_with_cookie,
    _no_passive_interval("healthy"),
    _no_passive_interval("unhealthy"),
    _sticky_needs_hash_on_none,
    _sticky_needs_cookie,
    _sticky_needs_algorithm,
    _cookie_not_empty,
)
"""The CRD's rules 1 to 12 in its order, then the length of the cookie's name."""


def violations(spec: Mapping[str, Any]) -> list[Violation]:
    """Return what the API server would refuse in a policy's ``spec``, in the CRD's order.

    Args:
        spec: The spec as a plain mapping with the CRD's camelCase names; a field that is None counts as
            absent. Fields of the wrong type are left to the schema.
    """
    return [found for rule in RULES if (found := rule(spec)) is not None]
