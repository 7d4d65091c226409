"""Versions of Kong and its controller: how they are written, and what an old one does not know."""

import pytest

from simsticky.errors import InputError
from simsticky.scenario.fields import version_of
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import loads

STICKY = "upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: c}}\n"
KONG = (
    "sticky sessions algorithm specified in KongUpstreamPolicy 'upstream' is not supported with"
    " Kong Gateway versions < 3.11.0"
)


def problems(text):
    with pytest.raises(InputError) as caught:
        loads(f"schema: simsticky/1\n{text}", "s.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.11", (3, 11)),
        ("3.5.0", (3, 5)),
        ("v3.4.1", (3, 4)),
        ("3.11.0.1-20250708-rhel", (3, 11)),
        ("3.10-ubuntu", (3, 10)),
        ("latest", None),
        ("3", None),
        ("3.x", None),
        ("3.11.", None),
        ("", None),
    ],
)
def test_forms_of_versions(text, expected):
    """The two first numbers of a version or image tag count; a tag without them tells nothing."""
    assert version_of(text) == expected


@pytest.mark.parametrize("version", ['"3.10"', "3.9.1", "2.11.0", "3.10.0.0"])
def test_sticky_sessions_need_kong_3_11(version):
    """An older gateway drops the policy; the refusal has the controller's own words and says who stated the version."""
    (line,) = problems(f"gateway: {{version: {version}}}\n{STICKY}")
    bare = version.strip('"')
    assert line == (
        f"s.yaml:3:23: upstream.algorithm: {KONG}"
        f" (the gateway is {bare} (gateway.version, s.yaml:2); the upstream would be plain round-robin)"
    )


@pytest.mark.parametrize("version", ['"3.11"', "3.11.0.0", "v3.12.1", '"4.0"'])
def test_newer_gateways_and_other_algorithms_pass(version):
    """Nothing is refused that the stated version knows."""
    assert loads(f"schema: simsticky/1\ngateway: {{version: {version}}}\n{STICKY}").gateway.version
    assert loads('schema: simsticky/1\ngateway: {version: "3.4"}\n').upstream.algorithm == "round-robin"


def test_an_old_controller_knows_neither_drain_support_nor_sticky_sessions():
    """Both are new in 3.5.0, each is refused at its own place."""
    assert problems(f"kic: {{version: 3.4.1, enableDrainSupport: true}}\n{STICKY}") == [
        "s.yaml:2:43: kic.enableDrainSupport: the controller 3.4.1 (kic.version, s.yaml:2) does not know"
        " --enable-drain-support, it is new in 3.5.0 (use 3.5 or later, or leave drain support off)",
        "s.yaml:3:23: upstream.algorithm: the controller 3.4.1 (kic.version, s.yaml:2) does not know"
        " sticky-sessions, it is new in 3.5.0 (use 3.5 or later)",
    ]
    assert loads("schema: simsticky/1\nkic: {version: 3.4.1}\n").kic.version == "3.4.1"
    assert loads(f"schema: simsticky/1\nkic: {{version: 3.5.0, enableDrainSupport: true}}\n{STICKY}")


def test_a_version_from_the_command_line_is_checked_too():
    """``--set gateway.version=3.10.0`` on a sticky scenario is refused and names its source."""
    scenario = loads(f"schema: simsticky/1\n{STICKY}", "s.yaml")
    with pytest.raises(InputError, match=r"s\.yaml:2:23: .*the gateway is 3\.10\.0 \(gateway\.version, --set\)"):
        scenario.evolve({"gateway.version": "3.10.0"}, source="--set")


def test_a_version_from_python_names_its_field_alone():
    """A scenario made in Python has no file to point to."""
    scenario = Scenario.model_validate({"gateway": {"version": "3.10"}})
    sticky = {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "c"}}
    with pytest.raises(InputError, match=r"the gateway is 3\.10 \(gateway\.version\);"):
        scenario.evolve({f"upstream.{key}": value for key, value in sticky.items()})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gateway: {version: 3.10}", '3.1 is a number here, not a version; put it in quotes, for example "1.34"'),
        ("kic: {version: 3}", '3 is a number here, not a version; put it in quotes, for example "1.34"'),
        ("gateway: {version: latest}", '\'latest\' is no version; write for example "3.11" or "1.34.2"'),
        ("gateway: {version: [3]}", "must be text, got a list"),
    ],
)
def test_what_is_no_version(text, message):
    """3.10 without quotes is the number 3.1 in YAML, and would pass for an old version."""
    (line,) = problems(text + "\n")
    assert line.endswith(f"version: {message}")


def test_versions_are_optional():
    """Without a version everything is taken to be new enough."""
    scenario = Scenario.model_validate({})
    assert (scenario.gateway.version, scenario.kic.version) == (None, None)
    assert loads(f"schema: simsticky/1\n{STICKY}")
