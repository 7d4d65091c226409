"""What an algorithm binds a session by."""

from typing import Final

COOKIE: Final = "cookie"
HASH: Final = "hash"
NONE: Final = "none"

AFFINITY: Final = {"sticky-sessions": COOKIE, "consistent-hashing": HASH}
"""By algorithm; by nothing, if it is not here."""
