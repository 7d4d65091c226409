"""The pages in a real browser: they ask the network for nothing, fit every screen, and do what their sliders say."""

import re

import pytest
from opened_pages import open_page, printed, put, requested
from page_texts import HOSTILE, TEXTS, answers, report_text, tradeoff_text
from small_scenario import small
from sweeps import hand_made

from simsticky.report.html import tradeoff_page

pytestmark = pytest.mark.browser

WIDTHS = (390, 1280)


@pytest.fixture(params=TEXTS)
def every_page(request, browser, pages):
    """Each kind of page, those with many pods, sides or answers too."""
    return put(pages, request.param.replace(" ", "-"), TEXTS[request.param]())


@pytest.fixture(params=["report", "tradeoff"])
def page(request, browser, pages):
    """Each page, opened from disk at a phone's and at a desktop's width by ``open_page``."""
    text = report_text() if request.param == "report" else tradeoff_text()
    return put(pages, request.param, text)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_goes_wrong_leaves_or_overflows(browser, page, width, scheme):
    """No console message, no request but the page itself, no sideways scrolling, and the hostile name ran nowhere."""
    open_page(browser, page, width, scheme)
    assert browser.get_log("browser") == []
    asked = requested(browser)
    assert page in asked
    assert [url for url in asked if url != page and not url.startswith("data:")] == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.title.startswith("<script>")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["comparison", "recommendation"])
def test_answers_fit_every_screen(browser, pages, name, width):
    """No console message, no sideways scrolling with every fold open, and tables whose cells can be read."""
    open_page(browser, put(pages, name, answers()[name]), width, "dark")
    assert browser.get_log("browser") == []
    fits = """
        document.querySelectorAll('details').forEach((fold) => { fold.open = true; });
        return document.documentElement.scrollWidth <= innerWidth;
    """
    assert browser.execute_script(fits)
    assert browser.execute_script("return document.querySelectorAll('table td').length") > 10


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_is_wider_than_the_page(browser, page, width):
    """With every fold open, no heading, paragraph or number reaches over the page's edge but inside a scrolling box."""
    open_page(browser, page, width)
    beyond = browser.execute_script(
        """
        document.querySelectorAll('details').forEach((fold) => { fold.open = true; });
        return [...document.querySelectorAll('h1,h2,h3,p,li,dd,label,output,summary,figcaption,.card')]
          .filter((one) => !one.closest('.wide') && one.getBoundingClientRect().right > innerWidth + 0.5)
          .map((one) => one.textContent.slice(0, 40));
        """
    )
    assert beyond == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.quick_cases(2)
def test_nothing_scrolls_sideways_on_a_phone(browser, every_page):
    """With every fold open nothing is wider than a phone, nor than the box that it stands in: the whole grid of a
    sweep, every table and every figure included.
    """
    for width in (390, 360):
        open_page(browser, every_page, width)
        wider = browser.execute_script(
            """
            document.querySelectorAll('details').forEach((fold) => { fold.open = true; });
            const inside = (one) => one.closest('.unseen') || one.closest('svg') && one.tagName !== 'svg';
            return [...document.body.querySelectorAll('*')].filter((one) => one.checkVisibility() && !inside(one))
              .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5
                || (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible'))
              .map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`);
            """
        )
        assert wider == []


def test_figures_of_a_phone_are_its_own(browser, pages):
    """On a phone each figure is the one drawn as narrow as it is, on a desk the other; one of the two is there."""
    for width, shown in ((390, "narrow"), (1280, "broad")):
        open_page(browser, put(pages, "own", report_text()), width)
        figures = browser.execute_script(
            "return [...document.querySelectorAll('figure:not(.replay figure)')].map((one) => [...one.children]"
            ".filter((part) => part.tagName === 'DIV' && part.checkVisibility()).map((part) => part.className))"
        )
        assert figures == [[shown]] * len(figures)
        assert len(figures) >= 4


def test_a_value_of_the_axis_stands_where_its_number_is(browser, pages):
    """On the curve's axis 0 s, 5 s, 20 s and 1 m are as far apart as they are: points, squares and ticks."""
    for width in WIDTHS:
        open_page(browser, put(pages, "numeric", tradeoff_text()), width)
        places = browser.execute_script(
            """
            const at = (tag, name) => [...document.querySelectorAll(`#curve ${tag}`)]
              .map((one) => Number(one.getAttribute(name)));
            return [at('.tick', 'x1'), at('circle', 'cx'), at('rect', 'x').map((x) => x + 3.5)];
            """
        )
        for found in places:
            shares = [(x - found[0]) / (found[-1] - found[0]) for x in found]
            assert shares == pytest.approx([0, 5 / 60, 20 / 60, 1], abs=1e-3)


def test_sliders_leave_the_scales_alone(browser, pages):
    """Whatever the sliders say, the labels of the curve's two scales and of the timeline's axis are the same."""
    open_page(browser, put(pages, "scales", tradeoff_text()))
    scales = set()
    for value in range(4):
        slide(browser, 0, value)
        scales.add(
            browser.execute_script(
                """
                const words = (of, where) => [...document.querySelectorAll(`${of} text`)]
                  .map((one) => one.textContent).filter(where);
                const isClock = (text) => /^.?[0-9]+:[0-9]+$/.test(text);
                return JSON.stringify([words('#curve', () => true), words('#timeline', isClock)]);
                """
            )
        )
    assert len(scales) == 1


def test_many_pods_are_a_few_lanes(browser, pages):
    """The timeline of a sweep of 40 pods has a lane for the old and one for the new, and each pod a row of phases."""
    from simsticky.study.sweep import sweep

    base = small(run__record="summary", run__skewFloor=False, deployment__replicas=40, deployment__maxSurge=8)
    swept = sweep(base, {"deployment.preStop": ["5s", "10s"]}, n=2)
    open_page(browser, put(pages, "many", tradeoff_page(swept)))
    names = "return [...document.querySelectorAll('#timeline text.lane')].map((one) => one.textContent)"
    assert browser.execute_script(names) == ["40 old pods", "40 new pods"]
    starting = "return document.querySelectorAll('#timeline rect.phase[data-phase=draining]').length"
    assert browser.execute_script(starting) == 40
    assert browser.get_log("browser") == []


def test_every_chart_has_a_text_alternative(browser, page):
    """Each picture has a label and stands in a figure with a caption."""
    open_page(browser, page)
    charts = browser.execute_script(
        """
        return [...document.querySelectorAll('svg, img')].map((chart) => [
          chart.getAttribute('aria-label') || chart.getAttribute('alt') || '',
          chart.closest('figure')?.querySelector('figcaption')?.textContent.trim() || ''
        ]);
        """
    )
    assert len(charts) >= 3
    assert all(len(label) > 20 and len(caption) > 20 for label, caption in charts)


def test_pictures_are_readable_in_dark(browser, page):
    """In the dark scheme a picture's ink is bright and the page's ground dark, in the light one the other way round."""
    brightness = {}
    for scheme in ("light", "dark"):
        open_page(browser, page, scheme=scheme)
        brightness[scheme] = browser.execute_script(
            """
            const level = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0) / 765;
            const text = document.querySelector('svg.picture use[*|href*="DejaVu"], svg.chart text');
            return [level(getComputedStyle(text).fill), level(getComputedStyle(document.body).backgroundColor)];
            """
        )
    ink, ground = brightness["light"]
    assert ink < 0.3 < 0.9 < ground
    ink, ground = brightness["dark"]
    assert ground < 0.2 < 0.8 < ink


def slide(browser, index, value):
    """Move a slider as its user does, by keys."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    knob = browser.find_element(By.ID, f"knob-{index}")
    knob.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * value)


def text_of(browser, element):
    """The text of an element by id."""
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", element)


def test_sliders_show_the_grid(browser, pages):
    """At every point of the grid the page's number is the estimate of that point, to the digit, and so is the
    highlighted point of the curve; the timeline has that point's pods.
    """
    from simsticky.report.numbers import show

    sweep = hand_made(name=HOSTILE)
    open_page(browser, put(pages, "sliders", tradeoff_text()))
    values = (["0s", "5s", "20s", "1m"], [True, False])
    seen = set()
    for point, study in zip(sweep.points, sweep.studies, strict=True):
        for index, (path, value) in enumerate(point.items()):
            slide(browser, index, values[index].index(value))
            assert text_of(browser, f"value-{index}") == str(value).lower(), path
        estimate = study.estimate("broken_sessions")
        shown = show(estimate.interval, "share")
        assert text_of(browser, "number-0") == shown.value
        assert text_of(browser, "interval-0") == shown.interval
        here = browser.execute_script("return document.querySelector('#curve .here').dataset.value")
        assert float(here) == estimate.interval.estimate
        mark = study.verdicts()[0].mark
        assert text_of(browser, "mark-0")[0] == mark
        assert mark in text_of(browser, "verdict")
        seen.add(browser.execute_script("return document.getElementById('timeline').innerHTML"))
    # Without a preStop hook drain support changes nothing but what the breaks are put down to.
    assert len(seen) == len(sweep.points)
    assert browser.get_log("browser") == []


def test_the_curve_can_show_every_metric_against_every_setting(browser, pages):
    """Choosing another metric or axis redraws the curve, its caption and its table from the grid."""
    open_page(browser, put(pages, "curve", tradeoff_text()))
    choose = (
        "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input'))"
    )
    for axis, rows in (("0", 4), ("1", 2)):
        browser.execute_script(choose, "axis", axis)
        for metric in browser.execute_script("return [...document.getElementById('metric').options].map(o => o.value)"):
            browser.execute_script(choose, "metric", metric)
            label = browser.execute_script("return document.getElementById('metric').selectedOptions[0].text")
            assert text_of(browser, "curve-caption").startswith(label)
            assert browser.execute_script("return document.getElementById('curve-table').rows.length") == rows
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_charts_fit_their_place_with_text_of_a_readable_size(browser, pages, width):
    """At a phone's width the curve and the timeline are drawn anew, not shrunk or scrolled, and none of their texts is
    cut at an edge.
    """
    open_page(browser, put(pages, "fits", tradeoff_text()), width)
    charts = browser.execute_script(
        """
        return [...document.querySelectorAll('svg.chart')].map((chart) => {
          const box = chart.getBoundingClientRect();
          const texts = [...chart.querySelectorAll('text')];
          return [
            chart.parentElement.scrollWidth <= chart.parentElement.clientWidth,
            box.width / chart.viewBox.baseVal.width,
            texts.length,
            texts.map((text) => [text.textContent, text.getBoundingClientRect()])
              .filter(([_, t]) => t.left < box.left - 1 || t.right > box.right + 1 || t.bottom > box.bottom + 1)
              .map(([text]) => text),
          ];
        });
        """
    )
    for fits, scale, texts, cut in charts:
        assert fits
        assert 0.99 <= scale < 1.5
        assert texts > 8
        assert cut == []


def test_paper_shows_the_settings_and_the_curve(browser, pages):
    """Printed, the trade-off page tells which settings its numbers are of, and keeps curve and timeline."""
    open_page(browser, put(pages, "paper", tradeoff_text()))
    slide(browser, 0, 2)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = "const one = document.getElementById(arguments[0]); return one.checkVisibility() && one.textContent"
    assert browser.execute_script(shown, "value-0") == "20s"
    assert browser.execute_script(shown, "curve")
    assert browser.execute_script(shown, "timeline")
    assert browser.execute_script(shown, "knob-0") is False
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_hole_in_the_grid_is_told(browser, pages):
    """A combination that was not simulated is said to be missing, and breaks nothing."""
    sweep = hand_made(name=HOSTILE)
    holed = type(sweep)(sweep.points[:-1], sweep.scenarios[:-1], sweep.studies[:-1])
    open_page(browser, put(pages, "hole", tradeoff_page(holed)))
    slide(browser, 0, 3)
    slide(browser, 1, 1)
    assert text_of(browser, "number-0") == "not in the grid"
    assert text_of(browser, "verdict") == "This combination is not in the grid"
    slide(browser, 0, 2)
    assert text_of(browser, "number-0") != "not in the grid"
    assert browser.get_log("browser") == []


def pages_of(pdf):
    """The number of pages of a PDF as Chromium writes them."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.quick_cases(2)
def test_what_decides_fits_two_pages(browser, every_page):
    """Printed, the annex begins on the third page at the latest, and on a page of its own."""
    open_page(browser, every_page, 1280)
    whole = pages_of(printed(browser))
    annex = browser.execute_script(
        "document.querySelectorAll('.annex, footer').forEach((one) => one.remove()); return document.body.innerText"
    )
    before = pages_of(printed(browser))
    assert 1 <= before <= 2 < whole
    assert "Inputs and where they come from" not in annex


@pytest.mark.quick_cases(1)
def test_the_pages_print_on_a4(browser, page):
    """Printing gives a PDF of a few pages in which nothing is wider than the paper."""
    open_page(browser, page, 1280)
    content = printed(browser)
    assert content.startswith(b"%PDF")
    # A4 in points.
    assert b"/MediaBox [0 0 594" in content or b"/MediaBox [0 0 595" in content
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    # What is printed across a sheet has a sheet's width, 269 mm, all else that of an upright page, 182 mm.
    for width, left_out in ((1017, ""), (688, "document.querySelectorAll('.sheet').forEach((one) => one.remove());")):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
        )
        assert browser.execute_script(f"{left_out} return document.documentElement.scrollWidth <= innerWidth")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
