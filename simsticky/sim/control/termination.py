"""How the kubelet ends one container: preStop, SIGTERM, and SIGKILL if it must (docs/model.md, rules D).

Source: Kubernetes, kuberuntime_container.go:killContainer. The kubelet ends a container with its pod, and also to
restart it when a liveness or startup probe has failed.
"""

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import simpy

from simsticky.kubernetes.pod import pre_stop_wait_s, stop_timeout_s
from simsticky.recording.events import Connections, Hook, Sigterm
from simsticky.recording.record import Origin
from simsticky.scenario.model import OnSigterm, PreStop
from simsticky.sim.clock import Phase, Wait, call_at
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.world import World

Process = Generator[simpy.Event, Any, None]


class Stopper:
    """Ends application containers.

    Args:
        on_listeners: Called when a container has ceased to listen, or is dead.
    """

    def __init__(self, world: World, gateway: Gateway, on_listeners: Callable[[], None]) -> None:
        self._world = world
        self._gateway = gateway
        self._on_listeners = on_listeners
        self._hook = world.scenario.deployment.pre_stop
        self._on_sigterm = world.scenario.app.on_sigterm
        self._session_timeout_s = world.scenario.app.session_timeout
        self._stopping: dict[Container, simpy.Process] = {}

    # What the kubelet does ------------------------------------------------------------------------------------------

    def stop(self, container: Container, grace_s: int, ended: str) -> Process:
        """End a container within its grace period; to be run by a process of the kubelet.

        Args:
            container: One that is alive.
            grace_s: What it has in all, preStop included.
            ended: How its end is to be recorded: ``stopped``, ``liveness`` or ``startup``.
        """
        world, begun_s = self._world, self._world.now_s
        process = world.env.active_process
        assert process is not None
        self._stopping[container] = process
        try:
            hook_s = yield from self._pre_stop(container, grace_s)
            yield from self._terminate(container, stop_timeout_s(grace_s, hook_s), ended)
        except simpy.Interrupt:
            # The process has ended by itself. A sleep of the kubelet's goes on all the same (rule D9).
            if self._hook is not None and self._hook.kind == "sleep":
                left_s = begun_s + pre_stop_wait_s(grace_s, self._hook.seconds) - world.now_s
                yield Wait(world.env, max(0.0, left_s), Phase.CONTAINER)
        finally:
            del self._stopping[container]

    def _pre_stop(self, container: Container, grace_s: int) -> Generator[simpy.Event, Any, float]:
        """Run the application's preStop hook and return how long it took, in seconds."""
        hook, world, pod = self._hook, self._world, container.pod
        if hook is None:
            return 0.0
        if hook.kind == "fails":
            world.tell("kubelet", "prestop_failed", pod.name, cause=container.cause)
            return 0.0
        world.tell("kubelet", "prestop", pod.name, Hook(hook.kind), container.cause)
        took_s = yield from run_hook(world, hook, container, grace_s, self._session_timeout_s)
        if pod.ending:
            pod.record.prestop_end_s = world.now_s
        return took_s

    def _terminate(self, container: Container, timeout_s: int, ended: str) -> Process:
        """Send SIGTERM, let the application do what it does, and kill it after ``timeout_s``."""
        world, pod = self._world, container.pod
        container.record.sigterm_s = world.now_s
        if pod.ending:
            pod.record.sigterm_s = world.now_s
        world.tell("kubelet", "sigterm", pod.name, Sigterm(timeout_s), container.cause)
        if self._on_sigterm.listener == "close":
            self.close(container, Origin.NONE if pod.ending else Origin.CRASH)
        self.close_connections(container, self._on_sigterm)
        killed = yield from react(world, self._on_sigterm, container, timeout_s)
        if killed:
            container.record.sigkill_s = world.now_s
            if pod.ending:
                pod.record.sigkill_s = world.now_s
            world.tell("kubelet", "sigkill", pod.name, cause=container.cause)
        because = Origin.KILLED if killed else Origin.NONE
        self._die(container, because if pod.ending else Origin.CRASH, ended)
        world.tell("app", "exited", pod.name, cause=container.cause)

    # What happens to the process ------------------------------------------------------------------------------------

    def crash(self, container: Container, ended: str, cause: int) -> None:
        """The process ends by itself, or the kernel or the machine ends it.

        Args:
            container: One that is alive.
            ended: ``crashed``, ``oom_killed`` or ``powered_off``.
            cause: Number of the operation behind it, 0 if none is.
        """
        container.causes.own_end = cause
        self._die(container, Origin.CRASH, ended)
        if container in self._stopping:
            self._stopping[container].interrupt()

    def close(self, container: Container, because: Origin) -> None:
        """Refuse connections to a container from now on."""
        if not container.listening:
            return
        now_s, pod = self._world.now_s, container.pod
        container.record.listener_closed_s = now_s
        if pod.deleted or pod.ending:
            pod.record.listener_closed_s = now_s
        self._gateway.listener_closed(container, now_s, because)
        self._on_listeners()

    def close_connections(self, container: Container, reaction: OnSigterm) -> None:
        """Close a container's long-lived connections as a reaction to SIGTERM, if that is part of it (rule V7)."""
        if reaction.connections == "wait":
            return
        container.closes_connections = True
        held, over_s, cause = self._gateway.cuts.held_by(container), reaction.close_over_s, container.cause
        if held:
            self._world.tell("app", "closes", container.pod.name, Connections(len(held), over_s), cause)
        self._gateway.cuts.close(held, cause, by_container=True, over_s=over_s)

    def cut(self, container: Container, *, silent: bool = False) -> None:
        """Cut all that is in flight on a container, connections included; ``silent`` where its machine is gone."""
        if container.record.cut_s != container.record.cut_s:
            container.record.cut_s = self._world.now_s
        self._gateway.cuts.cut(container, silent=silent)

    def _die(self, container: Container, because: Origin, ended: str) -> None:
        self.close(container, because)
        self._gateway.container_died(container)
        record, pod = container.record, container.pod
        record.dead_s, record.ended, record.cause = self._world.now_s, ended, container.causes.own_end or 0
        container.tell_changed()
        if pod.deleted or pod.ending:
            pod.record.dead_s = self._world.now_s
        self.cut(container, silent=ended == "powered_off")
        self._on_listeners()


def run_hook(
    world: World, hook: PreStop, container: Container, grace_s: int, session_timeout_s: float
) -> Generator[simpy.Event, Any, float]:
    """Run a preStop hook inside the grace period and return how long it took, in seconds (rule D2).

    Not as a difference of clock readings: the kubelet cuts that time to whole seconds, and (t + 30) - t may be a
    rounding error short of 30.
    """
    if hook.kind == "fails":
        return 0.0
    if hook.kind == "sleep":
        took_s = pre_stop_wait_s(grace_s, hook.seconds)
        yield Wait(world.env, took_s, Phase.CONTAINER)
        return took_s
    begun_s, longest_s = world.now_s, pre_stop_wait_s(grace_s, hook.at_most_s)
    give_up_s = begun_s + longest_s
    linger_s = session_timeout_s if hook.until == "noSessions" else 0.0
    yield from _until_idle(world, container, lambda: container.idle_at_s + linger_s, give_up_s)
    return longest_s if world.now_s >= give_up_s else world.now_s - begun_s


def react(world: World, reaction: OnSigterm, container: Container, timeout_s: int) -> Generator[simpy.Event, Any, bool]:
    """Let a process that has got SIGTERM do what it does; return whether it has to be killed (rule D4).

    Args:
        world: The running model.
        reaction: What it does.
        container: The application whose requests it serves, or passes on; once that is dead there is nothing to do.
        timeout_s: Time until SIGKILL.
    """

    def idle_at_s() -> float:
        return 0.0 if container.dead else container.idle_at_s

    kill_s = world.now_s + timeout_s
    if reaction.exit == "after":
        yield Wait(world.env, min(reaction.after_s, float(timeout_s)), Phase.CONTAINER)
        return reaction.after_s > timeout_s
    if reaction.exit == "whenIdle":
        if reaction.after_s:
            yield Wait(world.env, min(reaction.after_s, float(timeout_s)), Phase.CONTAINER)
        yield from _until_idle(world, container, idle_at_s, kill_s)
        return idle_at_s() > world.now_s
    if reaction.exit == "never":
        yield Wait(world.env, float(timeout_s), Phase.CONTAINER)
        return True
    return False


def _until_idle(
    world: World, container: Container, idle_at_s: Callable[[], float], give_up_s: float
) -> Generator[simpy.Event, Any, None]:
    """Wait until ``idle_at_s()``, when a container has nothing to do as far as is known, at most until ``give_up_s``.

    Nothing polls: the end of a request is known, and the last open connection tells when it closes.
    """
    while (over_s := idle_at_s()) > world.now_s and world.now_s < give_up_s:
        wait = Wait(world.env, min(over_s, give_up_s) - world.now_s, Phase.CONTAINER)
        yield wait | _last_closed(world, container) if container.connections else wait


def _last_closed(world: World, container: Container) -> simpy.Event:
    """Return what happens when no connection is open any more, in the phase of containers."""
    closed = world.env.event()

    def happen() -> None:
        closed.succeed()

    container.on_last_closed.append(partial(call_at, world.env, 0.0, Phase.CONTAINER, happen))
    return closed
