"""simsticky: a simulator of sticky sessions under rolling deployments.

The public names are listed in ``__all__``. All but :func:`simulate` and :func:`report` are imported when they are first
used, so that ``import simsticky`` takes no time, and Ctrl-C within the command's first moments meets its own answer.
"""

# At once, because a later import of the modules would put them where these functions are; they import nothing heavy.
from simsticky.notebook import show_by
from simsticky.report import report
from simsticky.simulate import simulate

TYPE_CHECKING = False  # importing typing itself would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    from simsticky.errors import Diagnostic, InputError, InvariantError, SimstickyError
    from simsticky.report import plots
    from simsticky.results.metrics import METRICS, Metric
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.reading.load import load, loads
    from simsticky.study.compare import Comparison, compare
    from simsticky.study.estimate import Estimate
    from simsticky.study.recommend.answer import Recommendation
    from simsticky.study.recommend.recommending import recommend
    from simsticky.study.replicate import Study, replicate
    from simsticky.study.sweep import Sweep, sweep
    from simsticky.study.tornado import Tornado, tornado
    from simsticky.version import __version__

__all__ = [
    "METRICS",
    "Comparison",
    "Diagnostic",
    "Estimate",
    "InputError",
    "InvariantError",
    "Metric",
    "Recommendation",
    "Result",
    "Scenario",
    "SimstickyError",
    "Study",
    "Sweep",
    "Tornado",
    "__version__",
    "compare",
    "load",
    "loads",
    "plots",
    "recommend",
    "replicate",
    "report",
    "simulate",
    "sweep",
    "tornado",
]

_HOMES = {
    "simsticky.errors": ("Diagnostic", "InputError", "InvariantError", "SimstickyError"),
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
    return sorted({*globals(), *__all__})


def _as_html(thing: object) -> str:
    from simsticky.report.notebook import as_html

    return as_html(thing)


show_by(_as_html)
