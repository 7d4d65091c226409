"""A study as an xarray Dataset: every number with its name, unit and place."""

import sys

import numpy as np
import pytest
from small_scenario import small

import simsticky as ss


def study():
    return ss.replicate(small(run__record="summary", run__skewFloor=False), 3)


def test_it_has_every_number_of_the_study():
    """Each summary by replication, each estimate with its interval, units and definitions."""
    pytest.importorskip("xarray")
    found = study()
    data = found.to_xarray()
    assert dict(data.sizes) == {"replication": 3, "metric": len(found.table())}
    for name in found.replications.keys:
        wanted = [np.nan if value is None else value for value in found.replications.column(name)]
        assert data[name].values == pytest.approx(wanted, nan_ok=True), name
    for estimate in found.table():
        one = data.sel(metric=estimate.name)
        shown = [one["estimate"].item(), one["low"].item(), one["high"].item()]
        interval = estimate.interval
        wanted = [np.nan if v is None else v for v in (interval.estimate, interval.low, interval.high)]
        assert shown == pytest.approx(wanted, nan_ok=True), estimate.name
        assert one["unit"].item() == estimate.unit
    assert data["broken_sessions"].attrs["units"] == "share"
    assert data["broken_sessions"].attrs["long_name"] == found.metrics["broken_sessions"].definition
    assert data.attrs == {"scenario": "small", "digest": found.scenario.digest(), "seed": 3}


def test_without_xarray_it_says_how_to_get_it(monkeypatch):
    """The line to type, and not a module's name alone."""
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"pip install 'simsticky\[xarray\]'"):
        study().to_xarray()
