"""A script for k6 whose clients are the scenario's: a setting that was picked is confirmed once in staging."""

from simsticky.report.k6.script import Backend, script

__all__ = ["Backend", "script"]
