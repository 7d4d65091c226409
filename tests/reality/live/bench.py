"""One run of a real proxy with real backends: sessions are sent, pods go and come, and everybody notes what it sees."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions import draw

from live.clients import Answers, send_all
from live.proxies import Haproxy, Nginx, Proxy, end, listening

PODS = 3
PROXIES = {"haproxy": Haproxy, "nginx": Nginx}


@dataclass(frozen=True)
class Seen:
    """What was seen of a run, the access log aside.

    Attributes:
        log: The proxy's access log.
        zero_s: The moment, in seconds since 1970, that the plan calls 0.
        events: Times since then, what happened, and to which pod.
        broken: Sessions that a backend answered at least once without their state.
        moves: How often that happened.
        answers: What the clients saw.
        per_pod: Requests that each backend answered.
    """

    log: Path
    zero_s: float
    events: list[tuple[float, str, str]]
    broken: int
    moves: int
    answers: Answers
    per_pod: dict[str, int]


def run(proxy: str, config: Mapping[str, Any], directory: Path) -> Seen:
    """Make a run: at most 40 sessions a second, on loopback only; every process that it starts ends with it."""
    assert config["rate"] <= 40
    return asyncio.run(_Bench(proxy, config, directory).run())


class _Bench:
    def __init__(self, proxy: str, config: Mapping[str, Any], directory: Path) -> None:
        rolls = config["action"] == "rolling"
        names = [f"p{number}" for number in range(1, (2 * PODS if rolls else PODS) + 1)]
        port, *ports = _free_ports(1 + len(names))
        self._config, self._directory = config, directory
        self._port, self._ports = port, dict(zip(names, ports, strict=True))
        self._proxy: Proxy = PROXIES[proxy](directory, port, self._ports)
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._choosing: set[str] = set()
        self._following: set[str] = set()
        self._events: list[tuple[float, str, str]] = []
        self._zero_s = 0.0

    async def run(self) -> Seen:
        with ExitStack() as kept:
            kept.callback(lambda: [end(process) for process in self._started.values()])
            kept.callback(self._proxy.stop)
            for name in list(self._ports)[:PODS]:
                await listening(self._ports[name], self._start(name))
            self._choosing = set(self._started)
            await self._proxy.start(self._choosing)
            self._zero_s = time.monotonic()
            zero_epoch_s = time.time()
            answers, _ = await asyncio.gather(send_all(draw(self._config), self._port, self._zero_s), self._operate())
        found = {name: self._journal(name).read_text(encoding="ascii").splitlines() for name in self._started}
        lost = [line.split()[1] for lines in found.values() for line in lines if line.endswith(" lost")]
        per_pod = {name: len(lines) for name, lines in found.items()}
        return Seen(self._proxy.log, zero_epoch_s, self._events, len(set(lost)), len(lost), answers, per_pod)

    async def _operate(self) -> None:
        """Do to the pods what a cluster does: scale three to two, or replace each with a surge of one."""
        names = list(self._ports)
        await self._until(self._config["at"])
        self._note("begun", "web")
        if self._config["action"] == "scale":
            await self._delete(names[PODS - 1])
            return
        leaving = []
        for old, new in zip(names[:PODS], names[PODS:], strict=True):
            begun_s = time.monotonic()
            await listening(self._ports[new], self._start(new))
            await self._until(begun_s - self._zero_s + self._config["startup"])
            self._choosing.add(new)
            self._note("ready", new)
            leaving.append(asyncio.create_task(self._delete(old)))
            await asyncio.sleep(0)
        await asyncio.gather(*leaving)

    async def _delete(self, name: str) -> None:
        """Delete a pod: out of the choice at once, SIGTERM after its preStop, forgotten when it has ended."""
        self._note("deleted", name)
        self._choosing.discard(name)
        if self._config["drain"]:
            self._following.add(name)
        await self._proxy.route(self._choosing, self._following)
        await asyncio.sleep(self._config["prestop"])
        self._note("sigterm", name)
        process = self._started[name]
        process.terminate()
        while process.poll() is None:
            await asyncio.sleep(0.005)
        self._note("exited", name)
        self._following.discard(name)
        await self._proxy.route(self._choosing, self._following)

    def _start(self, name: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, Path(__file__).with_name("backend.py"), str(self._ports[name]), self._journal(name)]
        self._started[name] = subprocess.Popen(command)
        return self._started[name]

    def _journal(self, name: str) -> Path:
        return self._directory / f"{name}.journal"

    def _note(self, what: str, name: str) -> None:
        self._events.append((round(time.monotonic() - self._zero_s, 3), what, name))

    async def _until(self, moment_s: float) -> None:
        await asyncio.sleep(max(0.0, self._zero_s + moment_s - time.monotonic()))


def _free_ports(number: int) -> list[int]:
    """Return ports of loopback that nobody has just now."""
    with ExitStack() as kept:
        taken = [kept.enter_context(socket.socket()) for _ in range(number)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]
