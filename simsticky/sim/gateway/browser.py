"""What one client holds beyond one cookie; what it does with that is in ``cookies.py``."""

from dataclasses import dataclass, field

from simsticky.kong.cookie import CookieJar


@dataclass(slots=True)
class Browser:
    """One client's jar, and the cookies of answers that are still on their way: (time, value, path)."""

    jar: CookieJar = field(default_factory=CookieJar)
    coming: list[tuple[float, str, str]] = field(default_factory=list)
