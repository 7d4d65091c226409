"""Figures: functions that take a result, a study or a sweep, draw on ``ax`` (or a new figure), and return the axes."""

from simsticky.report.plots.causes import break_causes
from simsticky.report.plots.decay import sessions_on_old_pods
from simsticky.report.plots.incidence import cumulative_incidence
from simsticky.report.plots.skew import load_skew
from simsticky.report.plots.timeline import timeline
from simsticky.report.plots.tornado import tornado
from simsticky.report.plots.trade_off import trade_off

__all__ = [
    "break_causes",
    "cumulative_incidence",
    "load_skew",
    "sessions_on_old_pods",
    "timeline",
    "tornado",
    "trade_off",
]
