"""Whether a container is restarted in its pod: its policy, and rules by exit code."""

import pytest

from simsticky.kubernetes.restart import RestartPolicy, RestartRule, restarts_in_place


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_without_rules_the_policy_decides(policy: RestartPolicy, code: int, *, again: bool) -> None:
    """Without rules each of the three policies decides."""
    assert restarts_in_place(policy, (), code) is again


def test_a_rule_that_matches_restarts_whatever_the_policy() -> None:
    """A rule by exit code matches one of its values, or none of them, whatever the policy."""
    only_42 = [RestartRule("In", {42})]
    assert [restarts_in_place("Never", only_42, code) for code in (42, 1)] == [True, False]
    all_but_1 = [RestartRule("NotIn", {1})]
    assert [restarts_in_place("Never", all_but_1, code) for code in (42, 1)] == [True, False]
