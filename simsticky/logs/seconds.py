"""Logs that tell whole seconds only: the order of their lines says more than their times."""

from __future__ import annotations

import numpy as np

from simsticky.logs.columns import Raw

FINE_S, WHOLE_S = 0.001, 1.0
"""How finely logs tell times: most of them milliseconds, some whole seconds."""
_ROUNDING_S, _ROUNDING_OF_A_WAIT = 1e-6, 1e-7
"""What is nearer to a whole second is one: of moments since 1970 as 64 bits, and of waits as 32."""
_SECONDS = 2**40
"""More than there are since 1970."""


def spread(raw: Raw) -> tuple[float, list[str]]:
    """Spread the lines of each second evenly over it, in the order of the file, where a log has whole seconds.

    nginx writes when a request was answered, others when it came: whichever is whole in all lines. Without this, the
    requests of a second would be taken in the order of how long they took.

    Args:
        raw: The requests in the order of their lines; ``sent`` is changed.

    Returns:
        How finely the log tells times, s, and what is to be said of it.
    """
    took = np.nan_to_num(raw["took"])
    for moments in (raw["sent"] + took, raw["sent"]):
        whole = np.round(moments)
        if (np.abs(moments - whole) <= _ROUNDING_S + _ROUNDING_OF_A_WAIT * took).all():
            break
    else:
        return FINE_S, []
    of = raw["gateway"].astype(np.int64) * _SECONDS + whole.astype(np.int64)
    order = np.argsort(of, kind="stable")
    begins = np.flatnonzero(np.append(True, np.diff(of[order]) != 0))
    lines = np.diff(np.append(begins, len(of)))
    place = np.arange(len(of)) - np.repeat(begins, lines)
    raw["sent"][order] += (place + 0.5) / np.repeat(lines, lines)
    return WHOLE_S, ["The log has whole seconds only: the lines of each were spread evenly over it, in their order."]
