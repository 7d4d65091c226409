"""A page as the browser has it: written down, opened, and on paper."""

import base64
import json
import time


def put(pages, name, text):
    """Write a page and return its address."""
    place = pages / f"{name}.html"
    place.write_text(text, encoding="utf-8")
    return place.as_uri()


def open_page(browser, address, width=1280, scheme="light"):
    """Open a page at a width, in a colour scheme, with the logs of what was open before taken away."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(address)


def requested(browser):
    """Every address that was asked for since the page was opened."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    # The browser's own start page may still be loading: its parts come from the browser itself.
    return [url for url in urls if not url.startswith("chrome://")]


def printed(browser):
    """The page as PDF. Headless Chromium now and then has "Printing failed" on a busy machine, whatever the page."""
    from selenium.common.exceptions import WebDriverException

    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for attempt in range(4):
        try:
            pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
        except WebDriverException as error:
            if "Printing failed" not in str(error) or attempt == 3:
                raise
            time.sleep(1.0)
        else:
            return base64.b64decode(pdf["data"])
    raise AssertionError("unreachable")
