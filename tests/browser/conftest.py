"""A headless Chromium for tests of pages, a directory with the pages, and the replay of a run in it."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def _missing() -> str:
    """Return what is missing to run these tests, or nothing."""
    try:
        import selenium  # noqa: F401 - only whether it is there
    except ImportError:
        return "selenium is not installed: pip install 'simsticky[browser]'"
    if not any(map(shutil.which, _BROWSERS)):
        return "there is no Chromium: apt-get install chromium chromium-driver"
    if shutil.which("chromedriver") is None:
        return "there is no chromedriver: apt-get install chromium-driver"
    return ""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Chromium, driven by selenium; a test that needs it is skipped where there is none."""
    if missing := _missing():
        pytest.skip(missing)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(path for name in _BROWSERS if (path := shutil.which(name)))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.get("about:blank")
    yield driver
    with contextlib.suppress(Exception):
        driver.quit()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pages are written."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(browser, pages):
    """Opens the page of a run, at a width, in a scheme."""
    from opened_pages import open_page, put
    from replays import compared, page_text

    def open_it(kind="rollout", width=1280, scheme="light", *, calm=False):
        text = compared()[1] if kind == "compared" else page_text(kind)
        address = put(pages, f"replay-{kind}", text)
        open_page(browser, address, width, scheme)
        if calm:
            features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            browser.get(address)
        return address

    return open_it
