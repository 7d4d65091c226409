"""Reading logs: at most four times the CPU time of ``json.loads`` over the same lines, in bounded memory."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from logs.flood import flood

from simsticky.logs.read import read_logs

FLOOD = Path(__file__).parents[1] / "logs" / "flood.py"
MOST_TIMES = 4.0
MOST_MB = 1000.0

READ_IT = """
import time
from pathlib import Path
from simsticky.logs.read import read_logs
seen = []
began = time.process_time()
log = read_logs("-", progress=lambda lines, share: seen.append(lines))
took = time.process_time() - began
# Of this program alone: what ``resource`` tells also has the peak of whoever started it.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 1024
print(len(log.requests), len(log.sessions), log.damaged, len(seen), took, peak)
"""


def cpu_of_json(lines: list[str]) -> float:
    began = time.process_time()
    for line in lines:
        json.loads(line)
    return time.process_time() - began


@pytest.mark.perf
def test_reading_takes_at_most_four_times_as_long_as_json(tmp_path: Path) -> None:
    """The whole way: lines, fields, hashes, sessions, pods. Measured in turns with the bare loop, once."""
    lines = list(flood(50_000))
    path = tmp_path / "kong.log"
    path.write_text("".join(lines))
    bare = whole = 0.0
    for _ in range(2):
        bare += cpu_of_json(lines)
        began = time.process_time()
        log = read_logs(path)
        whole += time.process_time() - began
        assert len(log.requests) == len(lines)
    assert whole <= MOST_TIMES * bare, f"{whole / bare:.2f} times"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read where Linux tells it")
def test_five_million_lines_take_less_than_a_gigabyte() -> None:
    """Two gigabytes through a pipe: columns, and no line of them is kept."""
    count = 5_000_000
    with subprocess.Popen([sys.executable, str(FLOOD), str(count)], stdout=subprocess.PIPE) as source:
        done = subprocess.run(
            [sys.executable, "-c", READ_IT], stdin=source.stdout, capture_output=True, text=True, check=True
        )
    requests, sessions, damaged, calls, took, peak = done.stdout.split()
    assert (int(requests), int(damaged)) == (count, 0)
    assert int(sessions) == pytest.approx(count * 0.05, rel=0.02)
    assert int(calls) > 1000
    assert float(peak) < MOST_MB, f"{peak} MB"
    sample = list(flood(200_000))
    bare = cpu_of_json(sample) * count / len(sample)
    assert float(took) <= MOST_TIMES * bare, f"{float(took) / bare:.2f} times"
