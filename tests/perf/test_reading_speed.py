"""What reading manifests costs beside the YAML library alone: a ratio inside one process."""

from pathlib import Path
from time import process_time

import pytest
from ruamel.yaml import YAML

from simsticky.manifests.reading import load_manifests

pytestmark = pytest.mark.perf

EXAMPLE = Path(__file__).parents[2] / "scenarios" / "manifests" / "example-app.yaml"
COPIES = 50
ROUNDS = 3


def test_two_hundred_documents_take_at_most_twice_the_time_of_their_yaml(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """200 documents of 4,600 lines: reading them, strict fields included, costs at most twice ruamel's own load."""
    example = EXAMPLE.read_text()
    copies = [example.replace("example-app", f"app-{i}") for i in range(COPIES)]
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(copies))
    text = file.read_text()

    def library() -> None:
        assert len(list(YAML(typ="safe", pure=True).load_all(text))) == 4 * COPIES

    def whole() -> None:
        found = load_manifests([file], stated={"deployment": {"name": "app-7"}})
        assert found.sections["deployment"]["replicas"] == 3

    seconds = {library: [], whole: []}  # type: dict[object, list[float]]
    for _ in range(ROUNDS):
        for read in (library, whole):
            begun = process_time()
            read()
            seconds[read].append(process_time() - begun)
    ratio = min(seconds[whole]) / min(seconds[library])
    with capsys.disabled():
        print(f"\nreading {4 * COPIES} documents: {ratio:.2f} times the YAML library alone")
    assert ratio <= 2
