"""The other containers of a pod when it ends (docs/model.md, rule D8).

A plain sidecar gets its SIGTERM without waiting for the application, whose preStop hook is nobody's but its own. A
native one (an init container with ``restartPolicy: Always``) is stopped after the application, the plain ones and the
natives that stand behind it.

Source: Kubernetes, kuberuntime_container.go:killContainersWithSyncResult, kuberuntime_termination_order.go.
"""

from collections.abc import Generator
from typing import Any

import simpy

from simsticky.kubernetes.pod import stop_timeout_s
from simsticky.recording.events import SidecarExit, SidecarSigterm
from simsticky.recording.record import Origin
from simsticky.scenario.model import Sidecar
from simsticky.sim.clock import Phase, Wait
from simsticky.sim.control.pods import Container
from simsticky.sim.control.termination import Stopper, react, run_hook
from simsticky.sim.world import World

Process = Generator[simpy.Event, Any, None]


class Sidecars:
    """Ends the sidecars of pods."""

    def __init__(self, world: World, stopper: Stopper, sidecars: tuple[Sidecar, ...]) -> None:
        self._world = world
        self._stopper = stopper
        self._sidecars = sidecars
        self._session_timeout_s = world.scenario.app.session_timeout

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._sidecars)

    def stop(self, container: Container, grace_s: int, app_over: simpy.Event) -> list[simpy.Process]:
        """Begin to end all sidecars of a pod.

        Args:
            container: The pod's application container.
            grace_s: The pod's grace period.
            app_over: Happens when the application container is over.

        Returns:
            A process for each sidecar, over when it is.
        """
        env = self._world.env
        plain = [sidecar for sidecar in self._sidecars if sidecar.kind == "plain"]
        processes = [env.process(self._end(sidecar, container, grace_s, None)) for sidecar in plain]
        # A plain sidecar is a main container like the application: the first native waits for all of them.
        turn: simpy.Event = env.all_of([app_over, *processes])
        for sidecar in reversed(self._sidecars):
            if sidecar.kind == "native":
                turn = env.process(self._end(sidecar, container, grace_s, turn))
                processes.append(turn)
        return processes

    def _end(self, sidecar: Sidecar, container: Container, grace_s: int, turn: simpy.Event | None) -> Process:
        world, pod = self._world, container.pod
        if sidecar.pre_stop is not None:
            hook_s = yield from run_hook(world, sidecar.pre_stop, container, grace_s, self._session_timeout_s)
            grace_s = grace_s - int(hook_s)
        if turn is not None:
            begun_s = world.now_s
            yield turn | Wait(world.env, float(max(0, grace_s)), Phase.CONTAINER)
            grace_s = grace_s - int(world.now_s - begun_s)
        timeout_s = stop_timeout_s(grace_s, 0.0)
        world.tell("kubelet", "sidecar_sigterm", pod.name, SidecarSigterm(sidecar.name, timeout_s), container.cause)
        if sidecar.proxy and sidecar.on_sigterm.listener == "close":
            self._stopper.close(container, Origin.NONE)
        if sidecar.proxy:
            self._stopper.close_connections(container, sidecar.on_sigterm)
        killed = yield from react(world, sidecar.on_sigterm, container, timeout_s)
        if sidecar.proxy and not container.dead:
            self._stopper.close(container, Origin.NONE)
            self._stopper.cut(container)
        world.tell("kubelet", "sidecar_exited", pod.name, SidecarExit(sidecar.name, killed), container.cause)
