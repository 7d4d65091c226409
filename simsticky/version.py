"""The version of simsticky, and of what is installed beside it."""

from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str:
    """Return the version of an installed package, or ``unknown`` in a tree that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


__version__ = installed_version("simsticky")
