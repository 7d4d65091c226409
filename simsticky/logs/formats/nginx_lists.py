"""What nginx writes of its upstreams: comma lists, one entry an attempt (``$upstream_addr`` and its sisters)."""

from simsticky.logs.record import UNKNOWN_S

LIST = r"((?:[^\s,]+(?:, | : ))*[^\s,]+)"
"""One field: attempts are divided by ``, ``, and groups of servers after an internal redirect by `` : ``."""


def entries(field: str) -> list[str]:
    """Return the entries of a field, one an attempt; none for ``-`` alone."""
    return [] if field in ("-", "") else field.replace(" : ", ", ").split(", ")


def seconds(entry: str) -> float:
    """Return seconds as a number; nan for ``-``."""
    return UNKNOWN_S if entry in ("-", "") else float(entry)
