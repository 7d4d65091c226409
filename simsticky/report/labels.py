"""The labels of printed rows, each with its metric: what stands in a table can be looked up as it stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simsticky.results.metrics import METRICS

_LABELS: Final[Mapping[str, str]] = {
    "broken sessions": "broken_sessions",
    "failed requests": "failed_requests",
    "of exposed sessions": "broken_sessions",
    "per run": "broken_exposed_sessions",
    "of alive at the start": "broken_of_alive",
    "of alive, any cause": "broken_any_cause",
    "breaks per session": "breaks_per_session",
    "background, not above": "background_broken_sessions",
    "of requests sent": "failed_requests",
    "502 bad gateway, per run": "failed.bad_gateway_502",
    "503 no target, per run": "failed.no_target_503",
    "504 timeout, per run": "failed.timeout_504",
    "reset, per run": "failed.reset",
    "lost before the session's end": "connections_lost",
    "reconnects, failures included": "reconnects",
    "most connects in one second": "peak_connects_in_1s",
    "over the mean before": "reconnect_storm",
    "disconnected, mean": "disconnected_mean_s",
    "disconnected, p95": "disconnected_p95_s",
    "disconnected, longest": "disconnected_longest_s",
    "still without when the run ends": "clients_still_disconnected",
    "sessions given up": "sessions_given_up",
    "sessions, serving": "load_skew.sessions.serving.max_to_mean",
    "sessions, taking new": "load_skew.sessions.taking_new.max_to_mean",
    "sessions, terminating": "load_skew.sessions.terminating.max_to_mean",
    "in flight, serving": "load_skew.in_flight.serving.max_to_mean",
    "requests, serving": "load_skew.requests.serving.max_to_mean",
    "min/mean": "load_skew.sessions.serving.min_to_mean",
    "CV": "load_skew.sessions.serving.cv",
    "peak max/mean": "load_skew.sessions.serving.peak",
    "time above 1.2": "load_skew.sessions.serving.time_above_1_2_s",
    "time above 1.5": "load_skew.sessions.serving.time_above_1_5_s",
    "done after": "rollout_done_s",
    "last old pod gone after": "last_old_pod_gone_s",
    "failures as before after": "recovery_s",
    "sessions even again after": "even_again_s",
    "peak pods": "peak_pods",
    "p50": "latency_p50_s",
    "p95": "latency_p95_s",
    "p99": "latency_p99_s",
    "unfinished requests": "requests_unfinished",
    "censored sessions": "censored_sessions",
    "born on terminating pods": "born_on_terminating",
}
"""What the rows of ``report/rows.py`` and of the first screen say in front of their numbers."""

_PREFIXES = ("origin.", "mechanism.", "failed.")
"""Of metrics of which a row says the rest of the name only: ``drain_off``."""


def labels() -> dict[str, str]:
    """Return every label that stands for one metric, with the metric's name."""
    parts = {name.removeprefix(prefix): name for prefix in _PREFIXES for name in METRICS if name.startswith(prefix)}
    return {**parts, **_LABELS}


def metric_of(label: str) -> str | None:
    """Return the metric that a printed label stands for; None if there is none."""
    words = " ".join(label.split())
    known = labels()
    if words in known:
        return known[words]
    # The only operation lends its name: "rollout done after", "per scaling".
    if words.endswith(" done after"):
        return known["done after"]
    return known["per run"] if words.startswith("per ") else None
