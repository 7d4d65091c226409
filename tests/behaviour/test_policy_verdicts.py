"""Policies that a cluster would refuse end with its own verdict and its line, from a scenario and from manifests."""

from pathlib import Path
from textwrap import indent

import pytest
from command_line import called

from simsticky.errors import InputError
from simsticky.scenario.reading.load import load

EXAMPLE = Path(__file__).parents[2] / "scenarios" / "manifests" / "example-app.yaml"
POLICY = """apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata:
  name: example-app-sticky
spec:
"""
STICKY = """algorithm: sticky-sessions
hashOn:
  input: none
stickySessions:
  cookie: session-id
"""

RULE_10 = "When spec.stickySessions is set, spec.hashOn.input must be set to 'none' (no other hash_on fields allowed)."
RULE_12 = "spec.algorithm must be set to 'sticky-sessions' when spec.stickySessions is set."
RULE_1 = "Only one of spec.hashOn.(input|cookie|header|uriCapture|queryArg) can be set."
RING = "the consistent-hashing ring of 1000 points has no room for 6 targets; Kong would answer 503"

# The policy's spec, the line of it that the verdict points to (counted from 1), the field, and the verdict.
VERDICTS = {
    "sticky without hashOn": (
        "algorithm: sticky-sessions\nstickySessions:\n  cookie: session-id\n",
        3,
        "stickySessions",
        RULE_10,
    ),
    "sticky with another hash input": (
        "algorithm: sticky-sessions\nhashOn:\n  input: ip\nstickySessions:\n  cookie: session-id\n",
        3,
        "hashOn",
        RULE_10,
    ),
    "stickySessions with another algorithm": (
        STICKY.replace("sticky-sessions", "consistent-hashing"),
        5,
        "stickySessions",
        RULE_12,
    ),
    "two hash inputs": (
        "algorithm: consistent-hashing\nhashOn:\n  header: x-user\n  queryArg: user\n",
        3,
        "hashOn",
        RULE_1,
    ),
    "a ring that is too small": (
        "algorithm: consistent-hashing\nslots: 100\nhashOn:\n  input: ip\n",
        2,
        "slots",
        RING,
    ),
}


def manifests(folder, spec, *further):
    """Write the example with another policy and six replicas; return the line that the policy's spec begins on."""
    others = EXAMPLE.read_text().replace("replicas: 3", "replicas: 6").split("---\n")
    others = [text for text in others if "kind: KongUpstreamPolicy" not in text]
    before = "---\n".join([*further, *others, POLICY])
    (folder / "app.yaml").write_text(before + indent(spec, "  "))
    return before.count("\n") + 1


def found(path):
    """Return the problems of a scenario file, in its folder's own names."""
    with pytest.raises(InputError) as caught:
        load(path)
    return [
        (Path(problem.file).name, problem.line, problem.path, problem.message) for problem in caught.value.diagnostics
    ]


@pytest.mark.parametrize("case", VERDICTS)
def test_a_verdict_on_the_policy_of_a_scenario(tmp_path, case):
    """The scenario's own ``upstream`` is a policy's spec: the same words, at its own line."""
    spec, line, field, message = VERDICTS[case]
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\ndeployment: {replicas: 6}\nupstream:\n" + indent(spec, "  "))
    assert found(tmp_path / "s.yaml") == [("s.yaml", 3 + line, f"upstream.{field}", message)]


@pytest.mark.parametrize("case", VERDICTS)
def test_a_verdict_on_the_policy_of_a_manifest(tmp_path, case):
    """A KongUpstreamPolicy that the API server refuses, or Kong cannot use, is told at the manifest's line."""
    spec, line, field, message = VERDICTS[case]
    begin = manifests(tmp_path, spec)
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\nmanifests: [app.yaml]\n")
    assert found(tmp_path / "s.yaml") == [("app.yaml", begin + line - 1, f"spec.{field}", message)]


def test_kong_before_3_11_in_a_scenario(tmp_path):
    """The controller's own event is the verdict, at the algorithm's line."""
    (tmp_path / "s.yaml").write_text(
        'schema: simsticky/1\ngateway:\n  version: "3.10"\nupstream:\n' + indent(STICKY, "  ")
    )
    message = (
        "sticky sessions algorithm specified in KongUpstreamPolicy 'upstream' is not supported with"
        " Kong Gateway versions < 3.11.0"
    )
    assert found(tmp_path / "s.yaml") == [("s.yaml", 5, "upstream.algorithm", message)]
    (tmp_path / "s.yaml").write_text((tmp_path / "s.yaml").read_text().replace("3.10", "3.11"))
    assert load(tmp_path / "s.yaml").gateway.version == "3.11"


def deployment(name, image, *arguments):
    """Return the manifest of a Deployment of one container."""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n        - name: {name}\n          image: {image}\n          args: {list(arguments)}\n"
    )


def test_kong_before_3_11_in_a_manifest(tmp_path):
    """The gateway's image tells its version; the verdict names the policy, as the controller's event does."""
    begin = manifests(tmp_path, STICKY, deployment("kong", "kong/kong-gateway:3.10"))
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\nmanifests: [app.yaml]\n")
    message = (
        "sticky sessions algorithm specified in KongUpstreamPolicy 'example-app-sticky' is not supported with"
        " Kong Gateway versions < 3.11.0"
    )
    assert found(tmp_path / "s.yaml") == [("app.yaml", begin, "spec.algorithm", message)]
    manifests(tmp_path, STICKY, deployment("kong", "kong/kong-gateway:3.11"))
    assert load(tmp_path / "s.yaml").gateway.version == "3.11"


def test_a_controller_before_3_5_with_drain_support_in_a_scenario(tmp_path):
    """The flag is new in 3.5.0: an older controller would not even start with it."""
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\nkic:\n  version: 3.4.1\n  enableDrainSupport: true\n")
    message = "the controller 3.4.1 (kic.version, s.yaml:3) does not know --enable-drain-support, it is new in 3.5.0"
    assert found(tmp_path / "s.yaml") == [("s.yaml", 4, "kic.enableDrainSupport", message)]


def test_a_controller_before_3_5_with_drain_support_in_a_manifest(tmp_path):
    """The flag in the controller's arguments against the tag of its own image, at the argument's line."""
    controller = deployment("kic", "kong/kubernetes-ingress-controller:3.4.1", "--enable-drain-support=true")
    manifests(tmp_path, "algorithm: least-connections\n", controller)
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\nmanifests: [app.yaml]\n")
    message = "the controller 3.4.1 (kic.version, app.yaml:10) does not know --enable-drain-support, it is new in 3.5.0"
    path = "spec.template.spec.containers.0.args.0"
    assert found(tmp_path / "s.yaml") == [("app.yaml", 11, path, message)]


def test_a_verdict_ends_the_command_with_exit_code_2(tmp_path):
    """``simsticky run`` says the verdict on standard error, with file, line and column, and runs nothing."""
    begin = manifests(tmp_path, VERDICTS["two hash inputs"][0])
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\nmanifests: [app.yaml]\n")
    told = called("run", tmp_path / "s.yaml", "--reps", 1, "--jobs", 1)
    assert (told.returncode, told.stdout) == (2, "")
    assert f"app.yaml:{begin + 2}:5: spec.hashOn: {RULE_1} (keep one of header, queryArg)" in told.stderr
