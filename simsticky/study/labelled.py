"""A study as an xarray Dataset: its numbers with names, units and coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simsticky.stats.intervals import LEVEL

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from xarray import Dataset

    from simsticky.results.metrics import Metric
    from simsticky.study.estimate import Estimate
    from simsticky.study.store import Replications


def dataset(
    replications: Replications,
    estimates: Sequence[Estimate],
    metrics: Mapping[str, Metric],
    about: Mapping[str, str | int],
) -> Dataset:
    """Return numbers of a study as a Dataset; see :meth:`simsticky.study.replicate.Study.to_xarray`.

    Args:
        replications: What becomes the variables along ``replication``.
        estimates: What becomes those along ``metric``.
        metrics: What the numbers mean, as far as they are metrics.
        about: The attributes of the whole.

    Raises:
        ImportError: xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise ImportError("Study.to_xarray needs xarray: pip install 'simsticky[xarray]'") from error
    variables: dict[str, Any] = {}
    for key in replications.keys:
        metric = metrics.get(key)
        told = {} if metric is None else {"units": metric.unit, "long_name": metric.definition}
        variables[key] = ("replication", _floats(replications.column(key)), told)
    for name, values in (
        ("estimate", [found.interval.estimate for found in estimates]),
        ("low", [found.interval.low for found in estimates]),
        ("high", [found.interval.high for found in estimates]),
    ):
        variables[name] = ("metric", _floats(values), {"level": LEVEL})
    return xarray.Dataset(
        variables,
        coords={
            "replication": range(len(replications)),
            "metric": [found.name for found in estimates],
            "unit": ("metric", [found.unit for found in estimates]),
        },
        attrs=dict(about),
    )


def _floats(values: Sequence[float | int | None]) -> npt.NDArray[np.float64]:
    import numpy as np

    return np.array([np.nan if value is None else value for value in values], np.float64)
