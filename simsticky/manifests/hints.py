"""Every way out that the reader of manifests offers, in one place, so that a test can follow each.

A hint stands behind a refusal in parentheses. What it says to write works when it is written: the run starts, or the
next problem is told (``tests/cases/test_hints.py``).
"""

from enum import Enum


class Hint(Enum):
    """A way out; the words in braces are filled in."""

    CHOOSE_DEPLOYMENT = "choose one in the scenario: deployment: {{name: {name}}}"
    CHOOSE_NAMESPACE = "choose one: namespace: {namespace} in the scenario, or -n {namespace}"
    KEEP_ONE = "keep one {name}"
    KEEP_ONE_OF_THEM = "keep one of them"
    KEEP_ONE_OF_THE_TWO = "keep one of the two"
    THERE_IS = "there is {names}"
    DESCRIBE_DEPLOYMENT = "add it, or describe it in the scenario's deployment section"
    DESCRIBE_WORKLOAD = "describe it in the scenario: deployment: {{name: {name}, replicas: 3}}"
    STATE_REPLICAS = "state deployment: {{replicas: 3}} in the scenario, or scale it on the timeline"
    ADD_TEMPLATE_OWNER = "add the manifest of Deployment {name}, which holds the pod template"
    CHOOSE_SERVICE = "choose one: service: {{name: {name}}}"
    PODS_CARRY = "the pods of {workload} carry {labels}"
    POINT_TO_SERVICE = "point the route to the Service that selects the pods"
    PORTS_ARE = "its ports are {ports}"
    PORTS_OF_PODS = "the pods' ports are {ports}"
    PORTS_OF_CONTAINER = "it names {ports}"
    NUMBER_WITHOUT_QUOTES = "write targetPort: {port}, without quotes"
    NAME_THE_PORT = "name a port of the container {name}, or write its number"
    REMOVE_ANNOTATION = "remove the annotation"
    ADD_FIELD = "add {field}: NAME"
    LEAVE_OUT = "leave it out"
    LEAVE_ROLLING_UPDATE_OUT = "leave rollingUpdate out"
    ADD_MANIFEST = "add its manifest"
    MOVE_POLICY = "{name} is in another namespace; it must be in the Service's own"
    SPLIT_BY_CANARY = (
        "describe the split in the scenario: companions: [{{name: {other}, replicas: 1}}] and"
        " timeline: [{{at: 0s, canary: {service}, weights: {{{weights}}}}}]"
    )
    ROUTE_TO_ANOTHER = "the route leads to Service {service}; choose the workload behind it: deployment: {{name: NAME}}"
    STATE_SIDECAR_END = (
        "state deployment: {{sidecars: [{{name: {name}, proxy: true, onSigterm: {{listener: keep, exit: {{after:"
        " 30s}}}}}}]}} in the scenario"
    )
    COMPANIONS = (
        "describe them: companions: [{{name: {name}-2, replicas: 3}}], and switchService and scale on the timeline"
    )
    GIVE_WEIGHT = "give one of the backends a weight"
    DURATION = "write for example 30s"
    WORKERS = 'write for example "2"'
    ROLLOUT_STRATEGY = "write for example strategy: {{canary: {{}}}}"
    STEPS_APART = "make it two steps, one after the other"
    ACTIVE_SERVICE = "write for example activeService: {name}"
    SECONDS = 'write for example "30"'
    ISTIO_CONFIG = 'write for example "terminationDrainDuration: 30s"'
    STATE_HOOK = (
        "state deployment: {{preStop: 30s}} in the scenario, with its real length, or deployment: {{preStop:"
        " {{waitUntil: noSessions, atMost: 10m}}}} if it waits until the pod is idle"
    )
    STATE_SIDECARS = (
        "state deployment: {{sidecars: [{{name: {name}, preStop: 30s}}]}} in the scenario, with its real length"
    )
    HANDLERS = "one of sleep, exec, httpGet"
    QUOTED_WORDS = 'for example ["sleep", "30"]; numbers need quotes'
    QUOTED_TRUE = 'put it in quotes: "true"'
    GRACE_OR_SLEEP = "lengthen the grace period or shorten the sleep"
    STATE_KIC = "state kic: {{{field}: {value}}} in the scenario"
    DRAIN_FLAG = "write --enable-drain-support"
    NEWER_OPERATOR = "it is there from version 2 on: gateway-operator.konghq.com/v2beta1"
    KEEP_CONTROLLER = "keep the one that serves this app"
    KEEP_ONE_CONTROLLER = "keep the one that serves this app, or state kic: {{enableDrainSupport: true}} or false"
    STATE_AUTOSCALER = (
        "state autoscaler: {{maxReplicas: {most}, targetUtilization: 70}} in the scenario, which then decides alone"
    )
    STATE_SPEC = "state it in the manifest, for example maxReplicas: 10"
    SELECTOR_WANTS = "the selector wants {labels}"
    ONE_WORKLOAD = "leave the other out, or choose by service: {{name: NAME}} a Service of one workload"

    def of(self, **words: object) -> str:
        """Return the hint with its words filled in."""
        return str(self.value).format(**words)


_OF_THE_SIMULATION = (
    *(Hint.CHOOSE_DEPLOYMENT, Hint.CHOOSE_NAMESPACE, Hint.KEEP_ONE, Hint.DESCRIBE_DEPLOYMENT, Hint.DESCRIBE_WORKLOAD),
    *(Hint.STATE_REPLICAS, Hint.ADD_TEMPLATE_OWNER, Hint.CHOOSE_SERVICE, Hint.SPLIT_BY_CANARY, Hint.COMPANIONS),
    *(Hint.ROUTE_TO_ANOTHER, Hint.STATE_SIDECAR_END, Hint.STATE_HOOK, Hint.STATE_SIDECARS, Hint.STATE_KIC),
    *(Hint.KEEP_CONTROLLER, Hint.KEEP_ONE_CONTROLLER, Hint.STATE_AUTOSCALER, Hint.ONE_WORKLOAD),
    *(Hint.REMOVE_ANNOTATION, Hint.LEAVE_OUT),  # service-upstream, which the controller knows and the model does not
)


def is_about_the_simulation(hint: str) -> bool:
    """Return whether a way out tells what a simulation wants to know: then the cluster takes the manifest as it is."""
    return any(hint.startswith(one.value.partition("{")[0]) for one in _OF_THE_SIMULATION)
