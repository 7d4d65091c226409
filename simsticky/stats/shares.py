"""The interval of a share whose units come in clusters: sessions that share their run's luck.

**Logit t.** The logit of a rare share is closer to a normal law than the share is, and its standard error does not
shrink where luck made the share small; a t interval on the share itself is too low far more often than too high, on
the side that lets a threshold pass. The design effect (Kish 1965) is the linearised variance over the binomial one, at
least 1, so the interval is never narrower than that of independent units.

**Degrees of freedom.** That variance comes from a few clusters and is itself uncertain, the more so the fewer of them
have events: ``1 / df = 1 / (R - 1) + TAIL * (deff - 1) / events``. The second term is Satterthwaite's (1946) with the
kurtosis of counts whose clusters have gamma-distributed chances, where TAIL is 1.5; the sample's own kurtosis is no
use, it is too small just where the variance is. A TAIL of 2 holds the tail over the whole grid. Under 3 degrees, or
R - 1, an end says nothing any more.

**Few events.** Under :func:`enough` effective events (events over design effect) the design effect cannot be told from
the data. Then the upper end is also at least Clopper and Pearson's on the effective sample (Korn and Graubard 1998)
with a design effect of at least :data:`ASSUMED`. None seen is the same with no event: the rule of three, 3.7 at
one-sided 97.5 %, times the assumed design effect.

What was tried and how it covers: ``docs/decisions/0006-intervals-of-rare-shares.md``.

Functions take numbers or NumPy arrays; NumPy and SciPy are imported inside, so that the command line starts without.
"""

from __future__ import annotations

import math
from typing import Any

TAIL = 2.0
"""What a cluster's skewness costs in degrees of freedom; 1.5 for clusters of a gamma law, 2 by simulation."""

ASSUMED = 5.0
"""Design effect that is assumed at least where it cannot be told: few events, or none."""

# Where events are few, Clopper and Pearson's end stands in for what fewer degrees of freedom would add.
_FEWEST_DEGREES = 3

_ENOUGH, _ENOUGH_IN_FEW_RUNS, _FEW_RUNS = 8, 16, 30


def enough(replications: Any) -> Any:
    """Return from how many effective events on the design effect is believed: 8, 16 of few replications (rule Q2)."""
    import numpy as np

    return np.where(np.asarray(replications) < _FEW_RUNS, _ENOUGH_IN_FEW_RUNS, _ENOUGH)


def assumed_design_effect(size: float, replications: int) -> float:
    """Return the design effect that is assumed where none can be told; at most the units in a replication (rule Q2)."""
    return max(1.0, min(ASSUMED, size / replications))


def bound_of_none(size: float, level: float, design_effect: float) -> float:
    """Return the upper end for a rate per unit of which none was seen, one-sided at ``(1 + level) / 2`` (rule Q3).

    Args:
        size: Units at risk.
        level: Two-sided confidence level in (0, 1), whose upper half is meant.
        design_effect: Units that count as one.
    """
    return -math.log((1 - level) / 2) * design_effect / size


def limits(share: Any, design_effect: Any, size: Any, replications: Any, level: float) -> tuple[Any, Any, Any]:
    """Return lower end, upper end, and whether there are few effective events; all alike in shape.

    Args:
        share: Events over units, in [0, 1].
        design_effect: The linearised variance over the binomial one, at least 1; anything where nothing varies.
        size: Units, over all replications.
        replications: Clusters, at least 2.
        level: Two-sided confidence level in (0, 1).
    """
    import numpy as np
    from scipy.special import betaincinv, expit, logit, stdtrit

    tail = (1 - level) / 2
    share, size = np.asarray(share, float), np.asarray(size, float)
    certain = (share == 0) | (share == 1)
    deff = np.where(certain, 1.0, design_effect)
    events = np.minimum(share, 1 - share) * size
    few = certain | (events / deff < enough(replications))
    most = np.asarray(replications) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = 1 / (1 / most + TAIL * (deff - 1) / events)
        degrees = np.maximum(degrees, np.minimum(most, _FEWEST_DEGREES))
        half = stdtrit(degrees, 1 - tail) * np.sqrt(deff / (size * share * (1 - share)))
        low = np.where(certain, share, expit(logit(share) - half))
        high = np.where(certain, share, expit(logit(share) + half))
    assumed = np.maximum(deff, np.clip(size / replications, 1.0, ASSUMED))
    units, hit = size / assumed, events / assumed
    reach = betaincinv(hit + 1, units - hit, 1 - tail)
    high = np.where(few & (share < 0.5), np.maximum(high, reach), high)
    low = np.where(few & (share >= 0.5), np.minimum(low, 1 - reach), low)
    return low, high, few
