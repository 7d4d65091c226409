"""simsticky: a simulator of sticky sessions under rolling deployments.

The public names are those of ``_HOMES`` and the two functions below. All but these two are imported when they are first
used, so that ``import simsticky`` takes no time, and Ctrl-C within the command's first moments meets its own answer.
"""

# At once, because a later import of the modules would put them where these functions are; they import nothing heavy.
from simsticky.notebook import show_by
from simsticky.report import report as report
from simsticky.scenario.drafted import draft_by
from simsticky.simulate import simulate as simulate

TYPE_CHECKING = False  # importing typing itself would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    from simsticky.errors import Diagnostic as Diagnostic
    from simsticky.errors import InputError as InputError
    from simsticky.errors import InvariantError as InvariantError
    from simsticky.errors import SimstickyError as SimstickyError
    from simsticky.logs.backtest import backtest as backtest
    from simsticky.logs.backtest_answer import Backtest as Backtest
    from simsticky.logs.fit import fit as fit
    from simsticky.logs.fitted import Fit as Fit
    from simsticky.logs.read import read_logs as read_logs
    from simsticky.logs.requests import LogRead as LogRead
    from simsticky.report import plots as plots
    from simsticky.report.explore import explore as explore
    from simsticky.results.metrics import METRICS as METRICS
    from simsticky.results.metrics import Metric as Metric
    from simsticky.results.result import Result as Result
    from simsticky.scenario.model import Scenario as Scenario
    from simsticky.scenario.reading.load import load as load
    from simsticky.scenario.reading.load import loads as loads
    from simsticky.study.compare import Comparison as Comparison
    from simsticky.study.compare import compare as compare
    from simsticky.study.estimate import Estimate as Estimate
    from simsticky.study.recommend.answer import Recommendation as Recommendation
    from simsticky.study.recommend.recommending import recommend as recommend
    from simsticky.study.replicate import Study as Study
    from simsticky.study.replicate import replicate as replicate
    from simsticky.study.sweep import Sweep as Sweep
    from simsticky.study.sweep import sweep as sweep
    from simsticky.study.tornado import Tornado as Tornado
    from simsticky.study.tornado import tornado as tornado
    from simsticky.version import __version__ as __version__

# Where each public name lives; type checkers read the same from the imports above, and a test holds the two together.
_HOMES = {
    "simsticky.errors": ("Diagnostic", "InputError", "InvariantError", "SimstickyError"),
    "simsticky.logs.backtest": ("backtest",),
    "simsticky.logs.backtest_answer": ("Backtest",),
    "simsticky.logs.fit": ("fit",),
    "simsticky.logs.fitted": ("Fit",),
    "simsticky.logs.read": ("read_logs",),
    "simsticky.logs.requests": ("LogRead",),
    "simsticky.report.explore": ("explore",),
    "simsticky.results.metrics": ("METRICS", "Metric"),
    "simsticky.results.result": ("Result",),
    "simsticky.scenario.reading.load": ("load", "loads"),
    "simsticky.scenario.model": ("Scenario",),
    "simsticky.study.compare": ("Comparison", "compare"),
    "simsticky.study.recommend.recommending": ("recommend",),
    "simsticky.study.recommend.answer": ("Recommendation",),
    "simsticky.study.estimate": ("Estimate",),
    "simsticky.study.replicate": ("Study", "replicate"),
    "simsticky.study.sweep": ("Sweep", "sweep"),
    "simsticky.study.tornado": ("Tornado", "tornado"),
    "simsticky.version": ("__version__",),
}
_MODULES = {"plots": "simsticky.report.plots"}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, *_MODULES, report.__name__, simulate.__name__])


def __getattr__(name: str) -> "Any":
    from importlib import import_module

    if name in _MODULES:
        value: Any = import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)  # what is imported here is nobody's business


def _as_html(thing: object) -> str:
    from simsticky.report.notebook import as_html

    return as_html(thing)


def _from_manifests(*paths: "Any", **stated: "Any") -> "Any":
    from simsticky.study.draft.manifests import scenario_from

    return scenario_from(*paths, **stated)


show_by(_as_html)
draft_by(_from_manifests)
