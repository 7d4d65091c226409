"""The rules, one function each; importing this package registers all of them."""

from simsticky.lint.rules import draining, pods, policies, reading, rollouts, routing
from simsticky.lint.rules.registry import LintRule, registered

__all__ = ["RULES", "LintRule", "draining", "pods", "policies", "reading", "rollouts", "routing"]

RULES: dict[str, LintRule] = registered()
"""Every rule by its number."""
