"""What Kong and its ingress controller know only from some version on.

Sources: Kong changelog 3.11.0.0 (sticky-sessions); Kong Ingress Controller 3.5.0 (--enable-drain-support,
``stickySessions``), which drops a policy that the gateway is too old for with the event quoted here.
"""

from collections.abc import Iterator
from typing import Final

from simsticky.scenario.fields import version_of
from simsticky.scenario.problems import Problem
from simsticky.scenario.sections import Sections

STICKY_SINCE: Final = (3, 11)
"""Kong's first version with sticky-sessions."""
CONTROLLER_SINCE: Final = (3, 5)
"""The controller's first version with drain support and with sticky-sessions."""
THRESHOLD_SINCE: Final = (3, 5, 3)
"""The controller's first release that passes ``healthchecks.threshold`` on (KIC pull request 7784)."""
REACHES_SINCE: Final = (3, 13)
"""Kong Enterprise's first version whose documentation calls an upstream unhealthy *below* the threshold."""


def too_old(scenario: Sections) -> Iterator[Problem]:
    """Yield what the stated versions, if any, do not know; paths from the scenario's root."""
    kong, controller = scenario.gateway.version, scenario.kic.version
    sticky = scenario.upstream.algorithm == "sticky-sessions"
    if sticky and _before(kong, STICKY_SINCE):
        policy = scenario.manifest_report.policy or "upstream"
        text = (
            f"sticky sessions algorithm specified in KongUpstreamPolicy '{policy}' is not supported with"
            " Kong Gateway versions < 3.11.0"
        )
        stated = _stated(scenario, "gateway.version")
        hint = f"the gateway is {kong} ({stated}); the upstream would be plain round-robin"
        yield Problem(("upstream", "algorithm"), text, hint)
    if not _before(controller, CONTROLLER_SINCE):
        return
    whose = f"the controller {controller} ({_stated(scenario, 'kic.version')}) does not know"
    if sticky:
        yield Problem(("upstream", "algorithm"), f"{whose} sticky-sessions, it is new in 3.5.0", "use 3.5 or later")
    if scenario.kic.enable_drain_support:
        text = f"{whose} --enable-drain-support, it is new in 3.5.0"
        yield Problem(("kic", "enableDrainSupport"), text, "use 3.5 or later, or leave drain support off")


def _before(version: str | None, since: tuple[int, int]) -> bool:
    known = version_of(version) if version is not None else None
    return known is not None and known < since


def _stated(scenario: Sections, path: str) -> str:
    origin = scenario.came_from(path)
    return path if origin == "default" else f"{path}, {origin}"
