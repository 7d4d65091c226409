"""Traces that are handed over, and what they may say of each session and request."""

import pickle

import pandas as pd
import pytest
from small_scenario import small

import simsticky as ss
from simsticky.errors import InputError

QUIET = {"run__until": "3m", "run__start": "empty", "run__settle": "0s", "run__skewFloor": False}


def frame(**columns):
    """Return two sessions of three requests a second apart, and what else is said of each request."""
    return pd.DataFrame(
        {
            "session": ["a", "a", "a", "b", "b", "b"],
            "start_s": [1.1, 1.1, 1.1, 2.0, 2.0, 2.0],
            "request": [1, 2, 3, 1, 2, 3],
            "think_s": [1.0, 1 / 3, 0.0, 1.0, 1.0, 0.0],
            "service_s": [0.1] * 6,
            **columns,
        }
    )


def traced(trace, timeline=(), **changes):
    """Return a small scenario of sessions from a trace."""
    base = small(list(timeline), **{**QUIET, **changes}).to_json_dict()
    laws = ("sessions", "requests", "think", "service", "sessionDuration", "clientRate")
    base["traffic"] = {key: value for key, value in base["traffic"].items() if key not in laws} | {"trace": trace}
    return ss.Scenario.model_validate(base)


def test_a_frame_is_the_file_with_the_same_rows(tmp_path):
    """The same rows as a file and as a DataFrame give the same requests, and one digest: it counts the content."""
    file = tmp_path / "trace.csv"
    frame().to_csv(file, index=False)
    from_file, from_frame = traced(str(file)), traced(frame())
    assert ss.simulate(from_file).requests.equals(ss.simulate(from_frame).requests)
    assert from_file.digest() == from_frame.digest()
    assert ss.simulate(from_frame).requests["sent_s"].tolist()[:2] == [1.1, 2.0]


def test_a_frame_goes_with_its_scenario():
    """Through JSON and to another process: a study with workers needs no file."""
    scenario = traced(frame())
    assert ss.Scenario.model_validate(scenario.to_json_dict()).digest() == scenario.digest()
    assert pickle.loads(pickle.dumps(scenario)).digest() == scenario.digest()


def test_evolve_takes_a_frame():
    """A notebook changes the trace as it changes any other setting."""
    scenario = traced(frame())
    later = scenario.evolve({"traffic.trace": frame(start_s=[5.0] * 3 + [6.0] * 3)})
    assert ss.simulate(later).requests["sent_s"].min() == 5.0


def test_the_trace_says_who_keeps_cookies():
    """Session b keeps none: each of its requests is a new pick."""
    result = ss.simulate(traced(frame(cookie=["yes"] * 3 + ["no"] * 3), traffic__cookies__keep=0.5))
    assert result.sessions["has_jar"].tolist() == [True, False]
    assert result.requests.groupby("session")["pod"].nunique().tolist() == [1, 3]


@pytest.mark.parametrize("on", [{"input": "ip"}, {"header": "x-user"}, {"cookie": "id", "cookiePath": "/"}])
def test_the_trace_says_what_is_hashed(on):
    """Two sessions of one key go to one pod, whatever is hashed; by drawn values three in four such pairs part."""
    hashing = {"upstream": {"algorithm": "consistent-hashing", "hashOn": on}}
    sessions = [f"s{number}" for number in range(12)]
    trace = pd.DataFrame(
        {"session": sessions, "start_s": range(12), "request": 1, "think_s": 0, "service_s": 0.1, "key": "one"}
    )
    drawn, stated = (
        ss.simulate(traced(table, **hashing)).requests["pod"].nunique() for table in (trace.drop(columns="key"), trace)
    )
    assert (drawn, stated) == (3, 1)


def test_the_trace_says_what_may_be_sent_again():
    """A request in flight on a container that crashes is sent again where the trace says so, else it is a 502."""
    trace = frame(service_s=[20.0] * 6, idempotent=[True] * 3 + [False] * 3)
    crash = [{"at": at, "crash": "app", "pod": pod} for at, pod in ((5, 1), (5.5, 2), (6, 3))]
    requests = ss.simulate(traced(trace, crash, deployment__readinessProbe=None)).requests
    first = requests[requests["request"] == 1].set_index("session")
    assert first["attempts"][0] > 1
    assert (first["attempts"][1], first["outcome"][1]) == (1, "reset")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"cookie": ["yes", "perhaps", "yes", "no", "no", "no"]}, "traffic.trace:3:32: cookie: neither true nor false"),
        ({"cookie": ["yes", "no", "yes", "no", "no", "no"]}, "another on an earlier row of the session"),
        ({"key": ["k", "", "k", "l", "l", "l"]}, "key: is empty"),
        ({"key": ["k", "k", "m", "l", "l", "l"]}, "key: is 'm' here"),
        ({"idempotent": ["1", "0", "1", "?", "0", "0"]}, "idempotent: neither true nor false"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(columns, said):
    """Line and column of the text, and which column of the table it is."""
    with pytest.raises(InputError) as refused:
        ss.simulate(traced(frame(**columns)))
    assert said in str(refused.value)
