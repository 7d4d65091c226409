"""The sticky cookie in the client's jar.

Source: RFC 6265; Kong's documentation shows a session cookie (no expiry) with a path and no other attribute.
"""

from collections.abc import Iterable


def default_path(request_path: str) -> str:
    """Return the path of a cookie that was set without one (RFC 6265 §5.1.4).

    Args:
        request_path: The path of the request, with or without its query string.
    """
    path = request_path.partition("?")[0]
    if not path.startswith("/"):
        return "/"
    return path[: path.rindex("/")] or "/"


def path_match(request_path: str, cookie_path: str) -> bool:
    """Return whether a cookie of ``cookie_path`` goes with a request (RFC 6265 §5.1.4) (rule C2).

    Args:
        request_path: The path of the request, with or without its query string.
        cookie_path: The path of the cookie.
    """
    path = request_path.partition("?")[0]
    if not path.startswith(cookie_path):
        return False
    return path == cookie_path or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


class CookieJar:
    """The session cookies one client holds for one host, by name and path. None of them expires."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        """Return the number of cookies."""
        return len(self._values)

    def with_cookies(self, name: str, cookies: Iterable[tuple[float, str, str]]) -> "CookieJar":
        """Return a jar that has also stored cookies (time, value, path), in order of their times."""
        jar = CookieJar()
        jar._values.update(self._values)
        for _, value, path in sorted(cookies):
            jar.set(name, value, path)
        return jar

    def set(self, name: str, value: str, path: str) -> None:
        """Store a cookie; one of the same name and path is overwritten (RFC 6265 §5.3)."""
        self._values[name, path] = value

    def get(self, request_path: str, name: str) -> str | None:
        """Return the value a server reads for ``name``, None without a cookie that matches the path.

        Of several the one with the longest path comes first in the request (RFC 6265 §5.4), and Kong reads
        the first.
        """
        found, longest = None, -1
        for (held, path), value in self._values.items():
            if len(path) > longest and held == name and path_match(request_path, path):
                found, longest = value, len(path)
        return found
