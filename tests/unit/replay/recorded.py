"""Runs to replay, and what a page reads from a replay's columns, worked out here a second time."""

import bisect
from functools import cache

from small_scenario import small

import simsticky as ss
from simsticky.report.replay.sessions import KIND, OPEN


@cache
def rollout():
    """A rolling update in which every second exposed session breaks."""
    return ss.simulate(small())


@cache
def crashing():
    """A rolling update to a version that crashes again and again."""
    return ss.simulate(small(app__crash={"every": {"kind": "exponential", "mean": "20s"}, "versions": "new"}))


@cache
def drained():
    """The same sessions as in the rolling update, whose pods wait much longer."""
    return ss.simulate(small(deployment__preStop="60s", deployment__grace="90s"))


def rows_by_session(side):
    """The rows of each session, as dictionaries with their kind's words, by number of the session."""
    columns, first, found = side["rows"], 0, {}
    for number, many in zip(side["sessions"]["id"], side["sessions"]["rows"], strict=True):
        rows = [{name: column[place] for name, column in columns.items()} for place in range(first, first + many)]
        found[number] = [row | dict(zip(KIND, side["kinds"][row["kind"]], strict=True)) for row in rows]
        first += many
    return found


def stays(side):
    """For each session (start, end, times, pods): since when its state is on which pod, in hundredths."""
    rows, found = rows_by_session(side), {}
    sessions = side["sessions"]
    columns = (sessions[name] for name in ("id", "start", "end", "at"))
    for number, start, end, at in zip(*columns, strict=True):
        times, pods = [start], [at]
        for row in rows[number]:
            if row["outcome"] == "answered" and row["pod"] != pods[-1]:
                times.append(row["sent"] + row["late"])
                pods.append(row["pod"])
        found[number] = (start, float("inf") if end == OPEN else end, times, pods)
    return found


def where(stay, at):
    """The pod with a session's state at a moment; None where the session is not there."""
    start, end, times, pods = stay
    return pods[bisect.bisect_right(times, at) - 1] if start <= at <= end else None
