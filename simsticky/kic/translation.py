"""The targets of an upstream while its endpoints change one by one: what changes is translated, and nothing else.

What comes of it is what :func:`simsticky.kic.translator.translate_backends` says of all endpoints at once.
"""

from collections.abc import Mapping, Sequence

from simsticky.kic.translator import Backend, Endpoint, translate, translate_backends
from simsticky.kong.upstream import Target

Changed = Mapping[str, tuple[Target | None, Target | None]]
"""By address, the target before and afterwards of what has changed; None for none."""


class Translation:
    """What KIC makes of the backends of a route.

    Args:
        drain_support: ``--enable-drain-support``.

    Attributes:
        targets: The targets by address.
    """

    def __init__(self, drain_support: bool) -> None:
        self._drain_support = drain_support
        self._endpoints: dict[str, list[Endpoint]] = {}
        self.targets: dict[str, Target] = {}

    @property
    def in_order(self) -> tuple[Target, ...]:
        """The targets in the order in which KIC sends them."""
        return in_order(self.targets)

    def replace(self, backends: Sequence[Backend]) -> Changed:
        """Let the route lead to these backends."""
        found = {target.address: target for target in translate_backends(backends, self._drain_support)}
        self._endpoints = {}
        for endpoint in backends[0].endpoints if is_separable([each.weight for each in backends]) else ():
            self._endpoints.setdefault(endpoint.address, []).append(endpoint)
        addresses = [a for a in {**self.targets, **found} if self.targets.get(a) != found.get(a)]
        return self._put({address: found.get(address) for address in addresses})

    def move(self, before: Endpoint | None, after: Endpoint | None) -> Changed:
        """Let one endpoint be another, or come, or go, where the backends are separable."""
        if before is not None:
            self._endpoints[before.address].remove(before)
        if after is not None:
            self._endpoints.setdefault(after.address, []).append(after)
        addresses = dict.fromkeys(endpoint.address for endpoint in (before, after) if endpoint is not None)
        return self._put({address: self._target_at(address) for address in addresses})

    def _target_at(self, address: str) -> Target | None:
        found = translate(self._endpoints[address], self._drain_support)
        if not self._endpoints[address]:
            del self._endpoints[address]
        return found[0] if found else None

    def _put(self, targets: Mapping[str, Target | None]) -> Changed:
        changed = {a: (self.targets.get(a), target) for a, target in targets.items() if self.targets.get(a) != target}
        put_in(self.targets, changed)
        return changed


def is_separable(weights: Sequence[int | None]) -> bool:
    """Return whether the target of one endpoint has nothing to do with other addresses: backends without a weight."""
    return list(weights) == [None]


def in_order(targets: Mapping[str, Target]) -> tuple[Target, ...]:
    """Return targets in the order in which KIC sends them: their addresses descending as strings."""
    return tuple(targets[address] for address in sorted(targets, reverse=True))


def put_in(targets: dict[str, Target], changed: Changed) -> None:
    """Change targets in place."""
    for address, (_, target) in changed.items():
        if target is None:
            targets.pop(address, None)
        else:
            targets[address] = target
