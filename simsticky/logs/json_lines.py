"""JSON of a log's lines: orjson where it is installed (extra ``logs``), else the standard library's.

Without orjson a log is read all the same, in two to three times the time. So its absence is a sentence and no error.
"""

import json
from collections.abc import Callable
from typing import Any

_FAST: Callable[[bytes | str], Any] | None
try:
    import orjson

    _FAST = orjson.loads
except ImportError:
    _FAST = None

loads: Callable[[bytes | str], Any] = json.loads if _FAST is None else _FAST
"""Text or UTF-8 bytes to objects; raises a ValueError."""

SLOWER = (
    ""
    if _FAST is not None
    else "JSON is read by Python's own module; pip install 'simsticky[logs]' brings orjson, which is faster."
)
"""What to say of the lack of orjson; empty where it is there."""


def loads_anyhow(raw: bytes) -> Any:
    """Return the object of a line that :data:`loads` refuses, if bytes that are no UTF-8 were all that was wrong.

    Kong writes the headers that clients send as they came, in whatever encoding.

    Raises:
        ValueError: It is no JSON.
    """
    return json.loads(raw.decode("utf-8", "replace"))
