"""The kubelet: starts pods, restarts their containers, and ends them (docs/model.md, rules P and D).

Each pod has one process for its start and one for its end, written for reading: they wait, ask a decision of
``kubernetes/``, and apply it. Probes are in ``probes.py``, the end of one container in ``termination.py``.
"""

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import simpy

from simsticky.kubernetes.pod import CrashLoopBackOff, effective_grace_s
from simsticky.kubernetes.probe import restart_grace_s
from simsticky.kubernetes.restart import (
    ALL_CONTAINERS_SINCE,
    EXIT_SIGKILL,
    EXIT_SIGTERM,
    RULES_SINCE,
    RestartRule,
    restarts_in_place,
)
from simsticky.recording.events import BackOff, Exit, Placement, Probe
from simsticky.recording.pods import ContainerRecord
from simsticky.scenario.model import Scenario
from simsticky.sim.clock import Phase, Wait, call_at
from simsticky.sim.control.api_server import ApiServer, Deletion
from simsticky.sim.control.images import Images
from simsticky.sim.control.pods import Container, Memory, Pod
from simsticky.sim.control.probes import Prober, spec_of
from simsticky.sim.control.sidecars import Sidecars
from simsticky.sim.control.termination import Stopper
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.patience import patience_s
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World
from simsticky.workload.equilibrium import residual_gap

Process = Generator[simpy.Event, Any, None]


class Kubelet:
    """Runs pods on all nodes.

    Args:
        on_listeners: Called when a container has begun or ceased to listen.
    """

    def __init__(self, world: World, api: ApiServer, gateway: Gateway, on_listeners: Callable[[], None]) -> None:
        """Read the pod template once, and watch what is created and deleted."""
        deployment = world.scenario.deployment
        self._world = world
        self._api = api
        self._gateway = gateway
        self._on_listeners = on_listeners
        self._delays = world.scenario.kubernetes
        self._app = world.scenario.app
        self._grace_s = effective_grace_s(deployment.termination_grace_period_seconds)
        self._grace_of_probe_s = {
            name: self._grace_s if probe is None else restart_grace_s(spec_of(probe), self._grace_s)
            for name, probe in (("liveness", deployment.liveness_probe), ("startup", deployment.startup_probe))
        }
        self._restarts = _restart_rule(world.scenario)
        self._exit_code = 1 if self._app.crash is None else self._app.crash.exit_code
        self._images = Images(deployment.image_pull_policy)
        self._prober = Prober(world, api, deployment, self._unhealthy)
        self._stopper = Stopper(world, gateway, on_listeners)
        self._sidecars = Sidecars(world, self._stopper, deployment.sidecars)
        self._stops: dict[Container, simpy.Process] = {}
        self._back_offs: dict[int, CrashLoopBackOff] = {}
        self._patience_s = patience_s(world.scenario)
        api.watch_creations(self._pod_created)
        api.watch_deletions(self._pod_deleted)

    # Start ------------------------------------------------------------------------------------------------------

    def _pod_created(self, pod: Pod) -> None:
        """Begin to run a new pod."""
        self._world.env.process(self._start(pod))

    def adopt(self, pod: Pod, running_since_s: float) -> Container:
        """Take over a pod that has been running and ready since long before the run."""
        self._api.schedule(pod)
        self._gateway.address_taken(pod)
        pod.record.scheduled_s = running_since_s
        pod.phase = "Running"
        pod.startup = self._app.startup
        container = self._new_container(pod, 0.0)
        pod.record.started_s = container.record.started_s = container.record.listening_s = running_since_s
        self._images.adopt(pod)
        self._bound_memory(container)
        self._gateway.listener_opened(container)
        self._api.set_ready(pod, ready=True, since_s=running_since_s)
        self._prober.adopt(container)
        if self._app.crash is not None and self._app.crash.versions == "all":
            generator = self._world.streams.generator(Purpose.CRASH, pod.entity)
            self._crash_after(container, residual_gap(self._app.crash.every, generator))
        return container

    def _start(self, pod: Pod) -> Process:
        world, delays, env = self._world, self._delays, self._world.env
        yield Wait(env, world.draw(delays.scheduler, Purpose.SCHEDULER, pod.entity), Phase.CONTROLLER)
        if _is_ending(pod):
            return
        while not self._api.schedule(pod):
            world.tell("scheduler", "unschedulable", pod.name)
            yield self._node_opens()
            if _is_ending(pod):
                return
        self._gateway.address_taken(pod)
        pod.record.scheduled_s = world.now_s
        world.tell("scheduler", "scheduled", pod.name, Placement(pod.record.node))
        self._prober.sync_begins(pod)
        yield from self._start_container(pod)

    def _node_opens(self) -> simpy.Event:
        """Return what happens when a node takes pods again."""
        opened = self._world.env.event()

        def happen() -> None:
            opened.succeed()

        self._api.nodes.wait(happen)
        return opened

    def _start_container(self, pod: Pod) -> Process:
        """Pull the image if need be, start a container, and probe it as long as it lives (rule P2)."""
        world, delays, env, number = self._world, self._delays, self._world.env, pod.record.restarts
        pull_s = world.draw(delays.image_pull, Purpose.IMAGE_PULL, pod.entity, number)
        start_s = world.draw(delays.container_start, Purpose.CONTAINER_START, pod.entity, number)
        yield Wait(env, self._images.wait_s(pod, pull_s, world.now_s) + start_s, Phase.CONTAINER)
        if _is_ending(pod):
            return
        container = self._new_container(pod, world.now_s)
        self._bound_memory(container)
        world.tell("kubelet", "started", pod.name)
        if not pod.never_ready:
            startup_s = world.draw(pod.startup, Purpose.APP_STARTUP, pod.entity, number)
            call_at(env, startup_s, Phase.CONTAINER, lambda: self._listen(container))
        if self._app.crash is not None and (self._app.crash.versions == "all" or pod.record.revision > 1):
            self._crash_after(container, world.draw(self._app.crash.every, Purpose.CRASH, pod.entity, number))
        yield Wait(env, world.draw(delays.status_update, Purpose.STATUS_UPDATE, pod.entity, 2 * number), Phase.STATUS)
        if _is_ending(pod) or container.dead:
            return
        pod.phase = "Running"
        self._api.changed(pod)
        self._prober.watch(container)

    def _new_container(self, pod: Pod, now_s: float) -> Container:
        """Start a container instance in a pod; it does not listen yet."""
        recording = self._world.recorder.recording
        life = ContainerRecord(pod.index, pod.record.restarts + 1, now_s, due_s=pod.restarted_s)
        number = len(recording.containers)
        pod.container = Container(
            number, pod, self._app.concurrency, now_s, life, self._world.columns, self._patience_s
        )
        self._gateway.container_made(pod.container)
        recording.containers.append(pod.index)
        recording.lives.append(life)
        if pod.record.restarts == 0:
            pod.record.started_s = now_s
        return pod.container

    def _listen(self, container: Container) -> None:
        now_s, warm_up = self._world.now_s, self._app.warm_up
        if container.dead or container.record.sigterm_s <= now_s or container.record.cut_s <= now_s:
            return  # its end, or that of the proxy before it, was faster
        container.ends = [max(end, now_s) for end in container.ends]
        container.record.listening_s = now_s
        if warm_up is not None and warm_up.slowdown > 1.0:
            container.warm = False
            call_at(self._world.env, warm_up.duration, Phase.CONTAINER, lambda: self._gateway.warmed_up(container))
        self._gateway.listener_opened(container)
        self._world.tell("app", "listening", container.pod.name)
        self._on_listeners()

    # Restart ----------------------------------------------------------------------------------------------------

    def crash(self, pod: Pod, cause: int) -> None:
        """Let the pod's container, if it is alive, exit by itself now; ``cause`` is the operation behind it, else 0."""
        if pod.container is not None:
            self._end_by_itself(pod.container, "crashed", cause)

    def power_off(self, pod: Pod) -> None:
        """Take a pod's machine away: its container is dead, and the kubelet, gone as well, says nothing."""
        container = pod.container
        pod.ending = pod.unreachable = True
        if container is not None and not container.dead:
            self._stopper.crash(container, "powered_off", container.cause)

    def _crash_after(self, container: Container, after_s: float) -> None:
        """Let a container exit by itself after a time, with no operation behind it (rule P9)."""
        call_at(self._world.env, after_s, Phase.CONTAINER, lambda: self._end_by_itself(container, "crashed", cause=0))

    def _bound_memory(self, container: Container) -> None:
        if self._app.oom is None:
            return

        def kill() -> None:
            self._end_by_itself(container, "oom_killed", cause=0)

        def full() -> None:
            # Not at once: a session is on its way in. At this instant containers come before new sends.
            call_at(self._world.env, 0.0, Phase.CONTAINER, kill)

        container.memory = Memory(self._app.oom.sessions, self._app.session_timeout, full)

    def _end_by_itself(self, container: Container, how: str, cause: int) -> None:
        """End a container without preStop and SIGTERM; unless its pod is being ended, it will be started again."""
        if container.dead:
            return
        self._world.tell("app", how, container.pod.name, cause=cause)
        self._stopper.crash(container, how, cause)
        if not _is_ending(container.pod):
            self._start_again(container, EXIT_SIGKILL if how == "oom_killed" else self._exit_code)

    def _start_again(self, container: Container, exit_code: int) -> None:
        """Start a container that has ended anew, or let its pod be over, as its restart policy says (rule P12)."""
        again = self._restarts(exit_code)
        self._world.env.process(self._restart(container) if again else self._be_over(container, exit_code))

    def _unhealthy(self, container: Container, probe: str) -> None:
        """Stop a container whose liveness or startup probe has failed, and start it again (rule P7)."""
        if container.dead or container in self._stops:
            return
        self._world.tell("kubelet", "probe_failed", container.pod.name, Probe(probe))
        self._stops[container] = self._world.env.process(self._stop_unhealthy(container, probe))

    def _stop_unhealthy(self, container: Container, probe: str) -> Process:
        container.causes.own_end = 0
        yield from self._stopper.stop(container, self._grace_of_probe_s[probe], probe)
        if container.record.ended == probe and not _is_ending(container.pod):
            killed = container.record.sigkill_s == container.record.sigkill_s
            self._start_again(container, EXIT_SIGKILL if killed else EXIT_SIGTERM)

    def _be_over(self, container: Container, exit_code: int) -> Process:
        """End a pod whose only container is not started again; its owner makes another."""
        world, pod = self._world, container.pod
        pod.record.dead_s = world.now_s
        ordinal = 2 * pod.record.restarts + 1
        noticed_s = world.draw(self._delays.status_update, Purpose.STATUS_UPDATE, pod.entity, ordinal)
        yield Wait(world.env, noticed_s, Phase.STATUS)
        if _is_ending(pod):
            return
        pod.phase = "Failed" if exit_code else "Succeeded"
        pod.ready = False
        world.tell("kubelet", "not_restarted", pod.name, Exit(exit_code))
        self._api.changed(pod)

    def _restart(self, container: Container) -> Process:
        """Start a dead container's pod anew: once the kubelet has noticed, and the back-off is over (rule P8)."""
        world, env, pod = self._world, self._world.env, container.pod
        finished_s, number = world.now_s, pod.record.restarts
        noticed_s = world.draw(self._delays.status_update, Purpose.STATUS_UPDATE, pod.entity, 2 * number + 1)
        yield Wait(env, noticed_s, Phase.STATUS)
        if _is_ending(pod):
            return
        self._api.set_ready(pod, ready=False, why="container_down", cause=container.cause)
        back_off = self._back_offs.get(pod.index, CrashLoopBackOff(max_s=self._delays.max_container_restart_period))
        jitter = world.streams.uniform(Purpose.BACK_OFF_JITTER, pod.entity, number)
        wait_s = back_off.retry_in_s(finished_s, jitter)
        left_s = finished_s + wait_s - world.now_s
        if left_s > 0.0:
            world.tell("kubelet", "backing_off", pod.name, BackOff(wait_s))
            yield Wait(env, left_s, Phase.CONTAINER)
            if _is_ending(pod):
                return
        pod.record.restarts += 1
        pod.restarted_s = world.now_s
        self._back_offs[pod.index] = back_off.restarted(finished_s, world.now_s)
        yield from self._start_container(pod)

    # End --------------------------------------------------------------------------------------------------------

    def _pod_deleted(self, deletion: Deletion) -> None:
        """Begin to end a deleted pod, unless nothing of it is there, or its machine is off."""
        if deletion.has_to_end and deletion.pod.record.node not in self._api.nodes.off:
            self.terminate(deletion.pod, grace_s=deletion.grace_s)

    def terminate(self, pod: Pod, *, grace_s: int | None = None) -> None:
        """Begin to end a pod: one that has got its deletion timestamp now, or one of a node that shuts down.

        Args:
            pod: The pod.
            grace_s: What cuts its own grace period short: an eviction's, a node shutdown's; 0 for a forced deletion.
        """
        if not pod.ending:
            self._world.env.process(self._terminate(pod, grace_s))

    def _terminate(self, pod: Pod, override_s: int | None) -> Process:
        """Follow facts: pod_workers.go, from the kubelet's first look to the object's end (rule D5)."""
        world, env, record = self._world, self._world.env, pod.record
        if not record.node:
            if not pod.gone:
                self._api.remove(pod)
            return
        notice_s = world.draw(self._delays.kubelet_notice, Purpose.KUBELET_NOTICE, pod.entity)
        yield Wait(env, notice_s, Phase.CONTAINER)
        if pod.ending:
            return
        container = pod.container
        if container is not None and container in self._stops and not container.dead:
            # A restart is under way: the stop goes on, and this one waits for it (rule D10).
            yield self._stops[container]
        pod.ending = True
        if container is None or container.dead:
            record.dead_s = world.now_s  # nothing runs that would have to be ended
        if container is not None:
            grace_s = self._grace_s if override_s is None else max(1, min(self._grace_s, override_s))
            yield from self._stop_containers(container, grace_s)
            ordinal = 2 * record.restarts + 1
            status_s = world.draw(self._delays.status_update, Purpose.STATUS_UPDATE, pod.entity, ordinal)
            yield Wait(env, status_s, Phase.STATUS)
        if container is not None and container.record.ended == "powered_off":
            return
        failed = not pod.deleted or (container is not None and _failed(container))
        pod.phase = "Failed" if failed else "Succeeded"
        pod.ready = False
        if pod.gone:
            return
        self._api.changed(pod)
        if not pod.deleted:
            return
        yield Wait(env, world.draw(self._delays.pod_removal, Purpose.POD_REMOVAL, pod.entity), Phase.STATUS)
        if not pod.gone:
            self._api.remove(pod)

    def _stop_containers(self, container: Container, grace_s: int) -> Process:
        """End the application and its sidecars; over when all of them are dead."""
        app_over = self._world.env.event()
        others = self._sidecars.stop(container, grace_s, app_over) if self._sidecars else []
        if not container.dead:
            yield from self._stopper.stop(container, grace_s, "stopped")
        if others:
            app_over.succeed()
        yield from others


def _restart_rule(scenario: Scenario) -> Callable[[int], bool]:
    """Return whether a container that has ended with an exit code is restarted, as the release knows how to say."""
    deployment, kubernetes = scenario.deployment, scenario.kubernetes
    if not kubernetes.knows(RULES_SINCE):
        return lambda exit_code: True
    rules = [
        RestartRule(rule.exit_codes.operator, frozenset(rule.exit_codes.values))
        for rule in deployment.restart_policy_rules
        if rule.action == "Restart" or kubernetes.knows(ALL_CONTAINERS_SINCE)
    ]
    return partial(restarts_in_place, deployment.restart_policy, rules)


def _failed(container: Container) -> bool:
    """Return whether a container ended with an exit code other than 0."""
    return container.record.sigkill_s == container.record.sigkill_s or container.record.ended != "stopped"


def _is_ending(pod: Pod) -> bool:
    """Whether the pod has been deleted, or is being ended, by now; asked again after every wait."""
    return pod.deleted or pod.ending
