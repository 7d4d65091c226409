"""Container images on nodes: who has to pull, and who finds the image there (docs/model.md, rule P6)."""

from simsticky.sim.control.pods import Pod


class Images:
    """The images that each node has, or is pulling.

    A kubelet pulls one image after the other (Kubernetes, kubelet ``serializeImagePulls``, on by default).

    Args:
        policy: ``imagePullPolicy``: ``IfNotPresent``, ``Always`` or ``Never``.
    """

    def __init__(self, policy: str) -> None:
        self._policy = policy
        self._there_at_s: dict[tuple[str, int], float] = {}
        self._free_at_s: dict[str, float] = {}

    def adopt(self, pod: Pod) -> None:
        """Note that the node of a pod that has been running has its image."""
        self._there_at_s[pod.record.node, pod.record.revision] = -float("inf")

    def wait_s(self, pod: Pod, pull_s: float, now_s: float) -> float:
        """Return how long a container that is to start now waits for its image.

        Args:
            pod: Its pod; the image is that of its revision.
            pull_s: How long its own pull would take.
            now_s: The time.
        """
        if self._policy == "Never":
            return 0.0
        node, image = pod.record.node, (pod.record.node, pod.record.revision)
        if self._policy == "IfNotPresent" and image in self._there_at_s:
            return max(0.0, self._there_at_s[image] - now_s)
        if pull_s == 0.0:
            return 0.0
        self._free_at_s[node] = self._there_at_s[image] = max(now_s, self._free_at_s.get(node, 0.0)) + pull_s
        return self._free_at_s[node] - now_s
