"""What single requests are like: paths, tabs, cookies, a second upstream, and what can be hashed."""

from pathlib import Path
from typing import Any

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import loads

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ROUTED = """
schema: simsticky/1
manifests: [manifests/example-app.yaml]
"""


def traffic(**section):
    return Scenario.model_validate({"traffic": section}).traffic


def problem(text):
    with pytest.raises(InputError) as caught:
        loads(f"schema: simsticky/1\n{text}\n", "s.yaml")
    (line,) = str(caught.value).splitlines()
    return line


def test_by_default_requests_are_plain():
    """One tab, one path, no clearing, no other upstream, nothing sent twice, one value of everything a session."""
    found = traffic()
    assert (found.tabs, found.idempotent, found.other_upstream, found.cookies.clear) == (1, 0, None, 0)
    assert [(entry.path, entry.share) for entry in found.path_shares] == [("/", 1)]
    for name in ("ip", "consumer", "header", "query_arg", "uri_capture"):
        identifier = getattr(found.identifiers, name)
        assert identifier.values is None
        assert getattr(identifier, "present", 1.0) == 1.0


def test_several_paths_take_the_place_of_the_one():
    """``paths`` is what is requested, also over the path that the Ingress routes, and is written back alone."""
    found = traffic(paths=[{"path": "/shop/", "share": 0.8}, {"path": "/", "share": 0.2}])
    assert [(entry.path, entry.share) for entry in found.path_shares] == [("/shop/", 0.8), ("/", 0.2)]
    written = found.model_dump(mode="json", by_alias=True)
    assert "path" not in written
    assert type(found).model_validate(written) == found


def test_paths_win_over_the_route_of_the_manifests():
    """The path of the Ingress is the default of the one path only."""
    text = ROUTED + "traffic: {paths: [{path: /example/a, share: 0.5}, {path: /b, share: 0.5}]}\n"
    scenario = loads(text, "s.yaml", SCENARIOS)
    assert [entry.path for entry in scenario.traffic.path_shares] == ["/example/a", "/b"]
    assert scenario.warnings == ("traffic.paths: clients request /b, the Ingress routes /example",)
    empty = loads(ROUTED + "traffic: {paths: []}\n", "s.yaml", SCENARIOS)
    assert [entry.path for entry in empty.traffic.path_shares] == ["/example"]


def test_a_change_from_path_to_paths_and_back():
    """The newer of the two exclusive choices wins in ``evolve``, as with requests and sessionDuration."""
    one = Scenario.model_validate({"traffic": {"path": "/a"}})
    several = one.evolve({"traffic.paths": [{"path": "/b", "share": 1}]})
    assert [entry.path for entry in several.traffic.path_shares] == ["/b"]
    assert several.evolve({"traffic.path": "/a"}) == one
    assert several.evolve({"traffic.paths.0.path": "/c"}).traffic.path_shares[0].path == "/c"


def test_shares_may_be_off_by_rounding_only():
    """Ten tenths are 1; a share forgotten is not."""
    tenths = [{"path": f"/{i}", "share": 0.1} for i in range(10)]
    assert len(traffic(paths=tenths).path_shares) == 10
    with pytest.raises(ValueError, match=r"they sum to 0\.9"):
        traffic(paths=tenths[:9])


def test_what_the_clients_of_a_second_upstream_and_of_proxies_do():
    """The nested sections arrive with their values, durations and rates in seconds."""
    found = Scenario.model_validate(
        {
            "traffic": {
                "idempotent": 0.7,
                "tabs": 3,
                "cookies": {"keep": 0.9, "clear": 0.01},
                "otherUpstream": {"share": 0.2, "cookiePath": "/shop", "sharesTargets": True},
                "identifiers": {"ip": {"values": 4}, "header": {"values": 100, "present": 0.5}},
            },
            "gateway": {"connection": "blackhole", "stickyIdentity": "by_target_id"},
            "kic": {"configChurn": "6/h"},
            "kubernetes": {"podAddresses": "reuse"},
        }
    )
    assert (found.traffic.idempotent, found.traffic.tabs, found.traffic.cookies.clear) == (0.7, 3, 0.01)
    other = found.traffic.other_upstream
    assert (other.share, other.cookie_path, other.shares_targets) == (0.2, "/shop", True)
    assert found.traffic.identifiers.ip.values == 4
    assert (found.traffic.identifiers.header.values, found.traffic.identifiers.header.present) == (100, 0.5)
    assert (found.gateway.connection, found.gateway.sticky_identity) == ("blackhole", "by_target_id")
    assert found.kic.config_churn == pytest.approx(6 / 3600, rel=1e-12)
    assert found.kubernetes.pod_addresses == "reuse"


@pytest.mark.parametrize(
    "change",
    [
        {"traffic.idempotent": 0.5},
        {"traffic.tabs": 2},
        {"traffic.paths": [{"path": "/", "share": 1.0}]},
        {"traffic.cookies.clear": 0.5},
        {"traffic.otherUpstream": {"share": 0.5}},
        {"traffic.identifiers.queryArg.present": 0.5},
        {"gateway.connection": "blackhole"},
        {"gateway.stickyIdentity": "by_target_id"},
        {"kic.configChurn": "1/h"},
        {"kubernetes.podAddresses": "reuse"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_can_change_a_result_changes_the_digest(change):
    """Results of two scenarios that differ in one of these never pass for those of one, and None takes it back."""
    plain = Scenario.model_validate({})
    changed = plain.evolve(change)
    assert changed.digest() != plain.digest()
    (path,) = change
    assert changed.came_from(path) == "evolve"
    assert changed.evolve({path: None}).digest() == plain.digest()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "traffic: {path: /, paths: [{path: /a, share: 1}]}",
            "s.yaml:2:27: traffic.paths: traffic.path and traffic.paths exclude each other (keep one)",
        ),
        (
            "traffic: {paths: [{path: /a, share: 0.5}, {path: /b, share: 0.4}]}",
            "s.yaml:2:18: traffic.paths: the shares of the paths must sum to 1, they sum to 0.9",
        ),
        (
            "traffic: {paths: [{path: /a, share: 0.5}, {path: /a, share: 0.5}]}",
            "s.yaml:2:50: traffic.paths.1.path: /a is given twice",
        ),
        (
            "traffic: {paths: [{path: a, share: 1}]}",
            "s.yaml:2:26: traffic.paths.0.path: must begin with /, got 'a'",
        ),
        ("traffic: {paths: [{path: /a}]}", "s.yaml:2:19: traffic.paths.0.share: required, but missing"),
        ("traffic: {tabs: 0}", "s.yaml:2:17: traffic.tabs: must be at least 1, got 0"),
        (
            "traffic: {idempotent: 50%}",
            "s.yaml:2:23: traffic.idempotent: '50%' is not a number between 0 and 1",
        ),
        ("traffic: {cookies: {clear: 2}}", "s.yaml:2:28: traffic.cookies.clear: must be at most 1, got 2"),
        (
            "traffic: {otherUpstream: {share: 0.1, cookiePath: shop}}",
            "s.yaml:2:51: traffic.otherUpstream.cookiePath: must begin with /, got 'shop'",
        ),
        (
            "traffic: {identifiers: {heder: {values: 3}}}",
            "s.yaml:2:25: traffic.identifiers.heder: unknown, did you mean traffic.identifiers.header?",
        ),
        (
            "traffic: {identifiers: {ip: {values: 0}}}",
            "s.yaml:2:38: traffic.identifiers.ip.values: must be at least 1, got 0",
        ),
        (
            "kic: {configChurn: 6 per h}",
            "s.yaml:2:20: kic.configChurn: '6 per h' is not a rate; write for example 4/s, 120/min or 10/h",
        ),
        (
            "gateway: {connection: blakhole}",
            "s.yaml:2:23: gateway.connection: 'blakhole' is not one of refused, blackhole (did you mean blackhole?)",
        ),
        (
            "kubernetes: {podAddresses: reused}",
            "s.yaml:2:28: kubernetes.podAddresses: 'reused' is not one of unique, reuse (did you mean reuse?)",
        ),
    ],
)
def test_a_wrong_value_is_told_at_its_place(text, line):
    """Shares, counts, paths and choices are checked where they stand."""
    assert problem(text) == line


def test_a_second_upstream_without_a_cookie_to_lose_is_worth_a_look():
    """The other upstream can only overwrite a cookie; an algorithm without one does not notice it."""
    plain = Scenario.model_validate({"traffic": {"otherUpstream": {"share": 0.5}}})
    assert plain.warnings == ("traffic.otherUpstream: has no effect, round-robin without a cookie cannot lose one",)
    sticky = {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "c"}}
    hashed = {"algorithm": "consistent-hashing", "hashOn": {"cookie": "c", "cookiePath": "/"}}
    for upstream in (sticky, hashed):
        assert plain.evolve({f"upstream.{key}": value for key, value in upstream.items()}).warnings == ()


def test_editors_learn_the_new_fields():
    """The JSON schema describes units, choices and nested sections with a sentence each."""
    schema = Scenario.json_schema()["$defs"]
    for section, names in {
        "Traffic": ("tabs", "paths", "identifiers", "otherUpstream", "idempotent"),
        "Gateway": ("connection", "stickyIdentity", "version"),
        "Kic": ("configChurn", "version"),
        "Kubernetes": ("podAddresses",),
        "OtherUpstream": ("share", "cookiePath", "sharesTargets"),
        "OptionalIdentifier": ("values", "present"),
    }.items():
        for name in names:
            assert schema[section]["properties"][name]["description"], (section, name)
    assert "10/h" in str(schema["Kic"]["properties"]["configChurn"])


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"requests": 1}, True),
        ({"requests": 3, "think": "0s"}, True),
        ({"requests": "endless", "think": "0s"}, True),
        ({"requests": 3}, False),
        ({"requests": 1, "service": "1ms"}, False),
        ({"requests": 1, "sessions": {"kind": "closed", "population": 3, "pause": "1s"}}, False),
        ({"requests": 1, "sessions": {"kind": "poisson", "rate": "1/s"}}, False),
    ],
)
def test_sessions_that_take_no_time_are_refused(more: dict[str, Any], *, refused: bool) -> None:
    """A closed population of which everything happens at one instant."""
    traffic = {"sessions": {"kind": "closed", "population": 3}, "service": "0s", "think": "1s"} | more
    if not refused:
        Scenario.model_validate({"traffic": traffic})
        return
    with pytest.raises(ValueError, match="without end at one instant"):
        Scenario.model_validate({"traffic": traffic})
