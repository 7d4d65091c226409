"""Images on nodes: the first pod of a version pulls, the others find the image; a node pulls one after the other."""

from pathlib import Path

import pytest
from stories import Story, tell

ROLLOUT = {"timeline": [{"at": 100.0, "rollout": "app"}]}


def _starts(story: Story) -> list[float]:
    return [pod.started_s for pod in story.pods if pod.revision == 2]


@pytest.mark.parametrize(
    ("policy", "nodes", "starts"),
    [
        ("IfNotPresent", 1, [120.0, 120.0, 120.0, 120.0]),
        ("IfNotPresent", 2, [120.0, 120.0, 120.0, 120.0]),
        ("Always", 1, [120.0, 140.0, 160.0, 180.0]),
        ("Always", 2, [120.0, 120.0, 140.0, 140.0]),
        ("Never", 1, [100.0, 100.0, 100.0, 100.0]),
    ],
)
def test_pods_of_a_new_version_wait_for_their_image(
    policy: str, nodes: int, starts: list[float], tmp_path: Path
) -> None:
    """The image is pulled once for each node and version, or one after the other on a node, or never (rule P6)."""
    story = tell(
        tmp_path,
        [[1.0]],
        ROLLOUT,
        {"deployment": {"replicas": 4, "maxSurge": 4, "maxUnavailable": 0, "imagePullPolicy": policy}},
        {"kubernetes": {"nodes": nodes, "imagePull": "20s"}},
    )
    assert _starts(story) == starts


def test_image_of_the_running_version_is_there(tmp_path: Path) -> None:
    """The nodes that run the version have its image, a further node has to pull it (rule P6)."""
    scale = {"timeline": [{"at": 100.0, "scale": "app", "replicas": 4}]}
    story = tell(
        tmp_path,
        [[1.0]],
        scale,
        {"deployment": {"replicas": 2}, "kubernetes": {"nodes": 3, "imagePull": "20s"}},
    )
    new = story.pods[2:]
    assert [pod.node for pod in new] == ["node-3", "node-1"]
    assert [pod.started_s for pod in new] == [120.0, 100.0]
