"""What a seed gives on another kind of processor: the same bytes whatever NumPy's code for it, else to nine digits."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parent / "law_digests.py"
FOUND: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
"""What NumPy has code of its own for on this processor, AVX-512 where there is any."""


@cache
def on_a_machine(**environment: str) -> dict[str, Any]:
    """Return what each law gives in a process with these variables."""
    command = [sys.executable, "-W", "ignore", str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.slow
@pytest.mark.skipif(not FOUND, reason="NumPy has no code of its own for this processor, nothing to switch off")
def test_every_law_gives_the_same_bytes_without_the_processors_own_code() -> None:
    """The bytes are equal on processors with and without AVX-512, and with other kernels of OpenBLAS.

    NumPy's exp, log and power round otherwise there, in up to one value of twenty; its generators do not use them.
    """
    plain = on_a_machine()
    other = on_a_machine(NPY_DISABLE_CPU_FEATURES=" ".join(FOUND), OPENBLAS_CORETYPE="Prescott")
    assert len(set(plain["digests"].values())) == len(plain["digests"])
    assert other == plain


@pytest.mark.slow
def test_another_c_library_gives_every_law_to_nine_digits() -> None:
    """Without FMA glibc's exp, log and pow, with them NumPy's lognormal, Weibull and Pareto draws, differ in the last
    bit of one value of a thousand, and no more. Another C library changes nothing.
    """
    plain = on_a_machine()
    other = on_a_machine(GLIBC_TUNABLES="glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable")
    for law, values in plain["draws"].items():
        assert other["draws"][law] == pytest.approx(values, rel=1e-9)
