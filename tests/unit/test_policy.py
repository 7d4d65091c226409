"""The CRD's rules for a KongUpstreamPolicy; the texts are the API server's, word for word."""

import pytest

from simsticky.kic.policy import RULES, violations

STICKY = {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "id"}}

# Each spec breaks one rule only; numbered as in Kong/kubernetes-configuration, kongupstreampolicy_types.go.
BROKEN = [
    (
        1,
        {"algorithm": "consistent-hashing", "hashOn": {"input": "ip", "header": "x"}},
        ("hashOn",),
        "Only one of spec.hashOn.(input|cookie|header|uriCapture|queryArg) can be set.",
    ),
    (
        2,
        {"algorithm": "consistent-hashing", "hashOn": {"cookie": "c"}},
        ("hashOn", "cookie"),
        "When spec.hashOn.cookie is set, spec.hashOn.cookiePath is required.",
    ),
    (
        3,
        {"algorithm": "consistent-hashing", "hashOn": {"cookiePath": "/"}},
        ("hashOn", "cookiePath"),
        "When spec.hashOn.cookiePath is set, spec.hashOn.cookie is required.",
    ),
    (
        4,
        {"algorithm": "round-robin", "hashOn": {"input": "ip"}},
        ("hashOn",),
        "spec.algorithm must be set to either 'consistent-hashing' or 'sticky-sessions' when spec.hashOn is set.",
    ),
    (
        5,
        {"algorithm": "consistent-hashing", "hashOnFallback": {"input": "ip", "queryArg": "q"}},
        ("hashOnFallback",),
        "Only one of spec.hashOnFallback.(input|header|uriCapture|queryArg) can be set.",
    ),
    (
        6,
        {"algorithm": "least-connections", "hashOnFallback": {"input": "ip"}},
        ("hashOnFallback",),
        'spec.algorithm must be set to "consistent-hashing" when spec.hashOnFallback is set.',
    ),
    (
        7,
        {
            "algorithm": "consistent-hashing",
            "hashOn": {"cookie": "c", "cookiePath": "/"},
            "hashOnFallback": {"input": "ip"},
        },
        ("hashOnFallback",),
        "spec.hashOnFallback must not be set when spec.hashOn.cookie is set.",
    ),
    (
        8,
        {"healthchecks": {"passive": {"healthy": {"interval": 5}}}},
        ("healthchecks", "passive", "healthy", "interval"),
        "spec.healthchecks.passive.healthy.interval must not be set.",
    ),
    (
        9,
        {"healthchecks": {"passive": {"unhealthy": {"interval": 0}}}},
        ("healthchecks", "passive", "unhealthy", "interval"),
        "spec.healthchecks.passive.unhealthy.interval must not be set.",
    ),
    (
        10,
        {"algorithm": "sticky-sessions", "stickySessions": {"cookie": "id", "cookiePath": "/"}},
        ("stickySessions",),
        "When spec.stickySessions is set, spec.hashOn.input must be set to 'none' (no other hash_on fields allowed).",
    ),
    (
        11,
        {**STICKY, "stickySessions": {"cookiePath": "/"}},
        ("stickySessions",),
        "spec.stickySessions.cookie is required when spec.stickySessions is set.",
    ),
    (
        12,
        {**STICKY, "algorithm": "consistent-hashing"},
        ("stickySessions",),
        "spec.algorithm must be set to 'sticky-sessions' when spec.stickySessions is set.",
    ),
    (
        13,
        {**STICKY, "stickySessions": {"cookie": ""}},
        ("stickySessions", "cookie"),
        "spec.stickySessions.cookie in body should be at least 1 chars long",
    ),
]


@pytest.mark.parametrize(("number", "spec", "path", "message"), BROKEN, ids=lambda v: v if isinstance(v, int) else "")
def test_each_rule_says_what_the_api_server_says(number, spec, path, message):
    """A broken rule is found alone, at its field, with the API server's text and a way to mend it."""
    (found,) = violations(spec)
    assert (found.path, found.message) == (path, message)
    assert found.hint
    assert RULES[number - 1](spec) == found


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"algorithm": "round-robin", "slots": 100},
        STICKY,
        {**STICKY, "stickySessions": {"cookie": "session-id", "cookiePath": "/"}},
        {"algorithm": "sticky-sessions"},
        {"algorithm": "sticky-sessions", "hashOn": {"input": "ip"}},
        {"algorithm": "consistent-hashing", "hashOn": {"cookie": "c", "cookiePath": "/"}},
        {"algorithm": "consistent-hashing", "hashOn": {"header": "h"}, "hashOnFallback": {"input": "ip"}},
        {"healthchecks": {"active": {"healthy": {"interval": 5}}, "passive": {"healthy": {"successes": 1}}}},
    ],
    ids=str,
)
def test_what_the_api_server_accepts_is_accepted(spec):
    """Valid policies break no rule, the odd ones the API server lets through included."""
    assert violations(spec) == []


def test_the_published_guide_example_breaks_rule_ten():
    """A complete sticky-sessions policy as one guide prints it, without hashOn, is refused with its fix."""
    guide = {"algorithm": "sticky-sessions", "stickySessions": {"cookie": "session-id", "cookiePath": "/"}}
    (found,) = violations(guide)
    assert "hashOn.input must be set to 'none'" in found.message
    assert found.hint == "write hashOn: {input: none}"


@pytest.mark.parametrize("other", ["cookie", "cookiePath", "header", "uriCapture", "queryArg"])
def test_sticky_sessions_allow_no_other_hash_input(other):
    """Rule 10 also refuses any further hashOn field beside input: none."""
    spec = {**STICKY, "hashOn": {"input": "none", other: "x"}}
    assert any("no other hash_on fields allowed" in found.message for found in violations(spec))


def test_several_broken_rules_are_all_told():
    """All violations come at once, in the CRD's order."""
    spec = {"algorithm": "latency", "hashOn": {"cookie": "c"}, "stickySessions": {}}
    rules = [found.message for found in violations(spec)]
    assert len(rules) == 5
    assert rules[0].startswith("When spec.hashOn.cookie is set")
    assert rules[-1].startswith("spec.algorithm must be set to 'sticky-sessions'")


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        ({"hashOn": None}, []),
        ({"healthchecks": []}, []),
        ({"healthchecks": {"passive": {"healthy": 3}}}, []),
        ({"algorithm": "sticky-sessions", "hashOn": "x"}, []),
        ({"algorithm": "consistent-hashing", "hashOn": ["cookie"], "hashOnFallback": 0}, []),
        ({"hashOn": "x"}, ["spec.algorithm must be set to either"]),
        ({"algorithm": 7, "hashOnFallback": {}}, ['spec.algorithm must be set to "consistent-hashing"']),
        (
            {"algorithm": "sticky-sessions", "stickySessions": 3},
            ["When spec.stickySessions is set", "spec.stickySessions.cookie is required"],
        ),
    ],
)
def test_wrong_types_are_left_to_the_schema(spec, rules):
    """A section of the wrong type is there and holds no fields: rules on its presence hold, those on fields do not."""
    found = violations(spec)
    assert len(found) == len(rules)
    for one, begins in zip(found, rules, strict=True):
        assert one.message.startswith(begins)
        assert one.path[0] in spec
