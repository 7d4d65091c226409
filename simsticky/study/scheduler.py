"""A Dask cluster as the place where replications run: ``--scheduler tcp://host:8786``, extra ``distributed``."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from typing import Any

from simsticky.errors import InputError, SimstickyError
from simsticky.results.provenance import library_versions
from simsticky.version import __version__

CONNECT_S = 5.0
"""How long a scheduler may take to answer."""

WITHOUT_WORKERS_S = 30.0
"""How long a cluster may be without a single worker before it is given up."""

# They would print tracebacks of their own beside our words.
_LOGS = ("distributed", "distributed.client", "distributed.core", "distributed.utils", "tornado.application", "asyncio")


class DaskCluster:
    """A connection to a Dask scheduler.

    Attributes:
        address: Of the scheduler, as the person gave it.
        executor: Runs tasks on the cluster's workers.
        width: Threads of all workers when the connection was made, at least 1.
    """

    def __init__(self, client: Any, address: str) -> None:
        self.address = address
        self.executor: Executor = client.get_executor(pure=False)
        self._client = client
        self._seen_workers = time.monotonic()
        self.width = max(1, sum(client.nthreads().values()))

    def check(self) -> None:
        """Look after the cluster while nothing is finished.

        Raises:
            SimstickyError: The scheduler has gone, or it has had no worker for ``WITHOUT_WORKERS_S``.
        """
        if self._client.status != "running":
            raise SimstickyError(f"the scheduler at {self.address} has gone")
        now = time.monotonic()
        if self._client.scheduler_info()["workers"]:
            self._seen_workers = now
        elif now - self._seen_workers > WITHOUT_WORKERS_S:
            raise SimstickyError(
                f"the scheduler at {self.address} has had no worker for {WITHOUT_WORKERS_S:.0f} s: they died, or none"
                " was started (dask worker ADDRESS)"
            )


def is_loss(error: BaseException) -> bool:
    """Return whether an error of a task says that its worker, or the cluster, was lost."""
    return isinstance(error, CancelledError) or type(error).__module__.partition(".")[0] == "distributed"


@contextmanager
def connected(address: str) -> Iterator[DaskCluster]:
    """Connect to a Dask scheduler, and leave it running at the end.

    Args:
        address: For example ``tcp://10.0.0.5:8786``.

    Raises:
        InputError: The address is none, or the extra ``distributed`` is not installed.
        SimstickyError: Nobody answers within ``CONNECT_S``, or the workers have other versions than this process:
            their numbers could differ.
    """
    try:
        import distributed
    except ImportError:
        hint = "pip install 'simsticky[distributed]'"
        raise InputError.of("a Dask cluster needs distributed", file="--scheduler", hint=hint) from None
    make: Any = distributed.Client  # not typed
    if "://" not in address:
        raise InputError.of(f"{address!r} is no address", file="--scheduler", hint=f"write tcp://{address}")
    logs = [logging.getLogger(name) for name in _LOGS]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        with _closing(address, make) as client:
            yield DaskCluster(client, address)
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


@contextmanager
def _closing(address: str, make: Any) -> Iterator[Any]:
    try:
        client = make(address, timeout=CONNECT_S, set_as_default=False)
    except ValueError as error:
        raise InputError.of(f"{address!r} is no address: {error}", file="--scheduler") from None
    except (OSError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SimstickyError(f"no scheduler answers at {address} within {CONNECT_S:.0f} s: {reason}") from None
    try:
        _same_versions(client, address)
        yield client
    finally:
        client.close(timeout=CONNECT_S)


def versions() -> dict[str, str]:
    """Return the versions that a number may depend on, of the process that runs this."""
    return {"simsticky": __version__, **library_versions()}


def _same_versions(client: Any, address: str) -> None:
    ours = versions()
    try:
        theirs: dict[str, Any] = client.run(versions, on_error="return")
    except Exception as error:
        raise SimstickyError(f"the workers at {address} do not answer: {error}") from error
    for worker, found in theirs.items():
        if isinstance(found, BaseException):
            raise SimstickyError(f"the worker {worker} cannot use simsticky: {type(found).__name__}: {found}")
        for name, version in ours.items():
            if found.get(name) != version:
                raise SimstickyError(
                    f"the worker {worker} has {name} {found.get(name)} and this process {version}: their numbers could"
                    " differ"
                )
