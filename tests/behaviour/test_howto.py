"""Kong's how-to of sticky sessions: one client, five requests, three pods; with the cookie and without it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from simsticky.kong.algorithms.sticky_sessions import response_cookie
from simsticky.results.result import Result
from simsticky.scenario.reading.load import load
from simsticky.sim.gateway import proxy as attempts
from simsticky.simulate import simulate

_HOWTO = Path(__file__).parents[2] / "scenarios" / "howto.yaml"


def _run(seed: int, changes: Mapping[str, Any] | None = None) -> Result:
    return simulate(load(str(_HOWTO)).evolve(changes or {}), seed, verify=True)


@pytest.mark.parametrize("seed", range(5))
def test_with_the_cookie_five_requests_reach_one_pod(seed: int) -> None:
    """With the cookie all five requests reach one pod."""
    requests = _run(seed).requests
    assert len(requests) == 5
    assert requests["pod"].nunique() == 1
    assert set(requests["outcome"]) == {"answered"}


@pytest.mark.parametrize("seed", range(5))
def test_without_the_cookie_five_requests_go_round(seed: int) -> None:
    """On one node with one worker each pod comes once before any comes again."""
    a, b, c, again, last = _run(seed, {"traffic.cookies.keep": 0}).requests["pod"]
    assert len({a, b, c}) == 3
    assert (again, last) == (a, b)


def _cookies_set(monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, Any]) -> tuple[Result, list[str | None]]:
    """Run with an ear on the gateway's one decision about Set-Cookie; None stands for a response without it."""
    decided: list[str | None] = []

    def overheard(*args: Any, **kwargs: Any) -> str | None:
        decided.append(response_cookie(*args, **kwargs))
        return decided[-1]

    monkeypatch.setattr(attempts, "response_cookie", overheard)
    return _run(1, changes), decided


def test_only_the_first_answer_sets_the_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Set-Cookie: session_id=...; Path=/` comes once, and names the pod that answers from then on."""
    result, decided = _cookies_set(monkeypatch, {})
    assert set(decided) <= {None}  # the first is a regular request's; no later answer sets another
    assert len(set(result.requests["pod"])) == 1
    sticky = result.scenario.upstream.sticky_sessions
    assert sticky is not None
    assert (sticky.cookie, sticky.cookie_path) == ("session_id", "/")


def test_a_path_the_cookie_does_not_cover_is_no_stickiness(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cookie of another path is never sent back, so requests go round, and the run says so."""
    elsewhere = {"upstream.stickySessions.cookiePath": "/shop", "traffic.path": "/example"}
    result, _ = _cookies_set(monkeypatch, elsewhere)
    assert result.requests["pod"].nunique() == 3
    assert any("does not cover" in warning for warning in result.warnings)
