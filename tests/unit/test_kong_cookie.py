"""Cookies by RFC 6265: default path, path match, jar."""

import pytest

from simsticky.kong.cookie import CookieJar, default_path, path_match


@pytest.mark.parametrize(
    ("request_path", "expected"),
    [
        ("", "/"),
        ("/", "/"),
        ("/a", "/"),
        ("/a/", "/a"),
        ("/a/b", "/a"),
        ("/a/b/c?x=/y/z", "/a/b"),
        ("a/b", "/"),
        ("?q=/a/b", "/"),
    ],
)
def test_default_path(request_path: str, expected: str) -> None:
    """A cookie that is set without a path gets one by the steps of RFC 6265 section 5.1.4."""
    assert default_path(request_path) == expected


@pytest.mark.parametrize(
    ("request_path", "cookie_path", "expected"),
    [
        ("/", "/", True),
        ("/example", "/", True),
        ("/example", "/example", True),
        ("/example/a", "/example", True),
        ("/example/a", "/example/", True),
        ("/example", "/example/", False),
        ("/examples", "/example", False),
        ("/other", "/example", False),
        ("/", "/example", False),
        ("/example?x=1", "/example", True),
        ("/Example", "/example", False),
    ],
)
def test_path_match(request_path: str, cookie_path: str, expected: bool) -> None:
    """Whole segments, letter case counts (rule C2)."""
    assert path_match(request_path, cookie_path) is expected


def test_jar_keeps_one_cookie_per_name_and_path() -> None:
    """Same name and path replace, another path is another cookie."""
    jar = CookieJar()
    jar.set("id", "one", "/")
    jar.set("id", "two", "/")
    jar.set("id", "three", "/app")
    jar.set("other", "four", "/")
    assert len(jar) == 3
    assert jar.get("/", "id") == "two"


def test_jar_sends_the_longest_path_first() -> None:
    """The longest path comes first, as in RFC 6265 section 5.4, and a server reads the first."""
    jar = CookieJar()
    jar.set("id", "root", "/")
    jar.set("id", "deep", "/app/admin")
    jar.set("id", "app", "/app")
    paths = ["/", "/app", "/app/admin/x", "/apple"]
    assert [jar.get(path, "id") for path in paths] == ["root", "app", "deep", "root"]


def test_jar_without_a_matching_cookie() -> None:
    """Without a matching cookie a request goes without one."""
    jar = CookieJar()
    jar.set("id", "app", "/app")
    assert jar.get("/", "id") is None
    assert jar.get("/app", "other") is None
