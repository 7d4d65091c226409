"""A disk that is full when an answer is there: it costs the file, and not the numbers that took minutes."""

import pytest

from simsticky.cli.main import main

TINY = """
schema: simsticky/1
run: {until: 30s, settle: 5s, replications: 2}
traffic:
  sessions: {kind: poisson, rate: 1/s}
  requests: {kind: geometric, mean: 5}
  think: {kind: exponential, mean: 2s}
  service: {kind: exponential, mean: 50ms}
deployment: {replicas: 2, preStop: 2s}
thresholds: {failed_requests: "< 50%"}
timeline: [{at: 10s, rollout: app}]
"""
VARIED = ("--vary", "deployment.preStop=0s,2s")
VERBS = {
    "run": ("--reps", "2", "--out", "a.json"),
    "compare": ("--with", "deployment.preStop=0s", "--reps", "2", "--out", "a.json"),
    "sweep": (*VARIED, "--reps", "2", "--out", "a.json"),
    "recommend": (*VARIED, "--reps", "2", "--out", "a.json"),
    "check": ("--max-reps", "10", "-o", "table", "--comment-file", "a.md"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_costs_the_file_and_not_the_numbers(capsys, tmp_path, monkeypatch, verb):
    """The table is printed although the file could not be written; nothing half-written stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(TINY)

    def full(self, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("pathlib.Path.replace", full)
    code = main([verb, "t.yaml", "--jobs", "1", *VERBS[verb]])
    out, err = capsys.readouterr()
    assert code == 1
    assert len(out.splitlines()) > 3
    assert "No space left on device" in err
    assert [path.name for path in tmp_path.iterdir()] == ["t.yaml"]
