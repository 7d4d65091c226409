"""What the tests of hostile input share: a small scenario, and what no answer to bad input may hold."""

from __future__ import annotations

import re

TINY = """\
schema: simsticky/1
name: tiny
run: {until: drained, horizon: 10m, replications: 2, seed: 7}
traffic:
  sessions: {kind: poisson, rate: 0.2/s}
  requests: {kind: geometric, mean: 5}
  think: {kind: exponential, mean: 3s}
app: {startup: 2s}
deployment: {name: app, replicas: 2, preStop: 5s, terminationGracePeriodSeconds: 10}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: sid}}
timeline:
  - {at: 2m, rollout: app}
"""

NEVER = (
    "Traceback",
    "internal error",
    "sys.set_int_max_str_digits",
    "YAML()",
    "Errno",
    "pydantic",
    "ruamel",
    "recursion",
    "codec can't",
    "C ssize_t",
)
"""What tells a person nothing: of Python, or of a library."""

LONGEST = 1_200
"""Characters of the longest message."""


def unfit(err: str) -> str:
    """Return what is wrong with the standard error of a command that met bad input; empty if nothing is."""
    for text in NEVER:
        if text in err:
            return f"holds {text!r}"
    if len(err) > LONGEST:
        return f"has {len(err)} characters"
    if strange := re.search(r"[^\n\x20-\x7e\xa0-\uffff]", err):
        return f"holds the control character {strange[0]!r}"
    return "" if err.strip() else "says nothing"
