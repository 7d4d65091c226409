"""Who arrives: sessions as columns, the same for every policy."""

from simsticky.workload.columns import AliveBlock, SessionBlock
from simsticky.workload.generate import Workload

__all__ = ["AliveBlock", "SessionBlock", "Workload"]
