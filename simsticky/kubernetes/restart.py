"""Whether a container that has ended is started again in its pod: its own restart policy, and rules by exit code.

Source: Kubernetes, core/v1 ``restartPolicy`` and ``restartPolicyRules`` of a container (KEP-5307, beta and on from
1.35, where a container may have a policy of its own) and ``RestartAllContainers`` (KEP-5532, beta and on from 1.36);
both restart in place: same pod, same address.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

RestartPolicy = Literal["Always", "OnFailure", "Never"]
RULES_SINCE = (1, 35)
ALL_CONTAINERS_SINCE = (1, 36)
EXIT_SIGKILL = 137
EXIT_SIGTERM = 143


@dataclass(frozen=True, slots=True)
class RestartRule:
    """One rule: containers that end with one of these codes (or with none of them) are restarted."""

    operator: Literal["In", "NotIn"]
    values: Collection[int]

    def matches(self, exit_code: int) -> bool:
        """Return whether the rule is about this exit code."""
        return (exit_code in self.values) == (self.operator == "In")


def restarts_in_place(policy: RestartPolicy, rules: Sequence[RestartRule], exit_code: int) -> bool:
    """Return whether the kubelet starts a container again in its pod (rule P12).

    The first rule that matches does; where none does, the container's policy decides. Without a restart the pod is over
    once all its containers are, and its owner makes another.
    """
    if any(rule.matches(exit_code) for rule in rules):
        return True
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)
