"""The replay for those who want no motion, have no mouse or hear it."""

import time

import pytest
from replays import call, moments, run_of

from simsticky.report.replay.data import data_of

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_nothing_moves_by_itself(browser, opened):
    """The replay waits for its reader."""
    opened()
    time.sleep(0.3)
    assert call(browser, "return [replay.playing, replay.t]") == [False, 0]


@pytest.mark.slow
def test_reduced_motion_goes_from_event_to_event(browser, opened):
    """Played by somebody who wants no motion, it stands still at events, and no dot is ever between two pods."""
    opened(calm=True)
    call(browser, "root.querySelector('[data-do=speed]').value = '10'; root.querySelector('[data-do=play]').click();")
    seen = set()
    for _ in range(30):
        seen.add(call(browser, "return replay.t"))
        time.sleep(0.1)
    data = data_of([("", run_of("rollout"))])
    stops = {0, data["length"], *(line[0] for line in data["sides"][0]["lines"])}
    assert seen <= stops
    assert 2 <= len(seen) <= 5
    between = """
    replay.seek(arguments[0]);
    const { dots, layout } = replay.panels[0];
    return Object.values(dots).flat().filter(([x, y, session]) => {
      const state = session.states.findLast((one) => one.at <= replay.t) || session.states[0];
      const [a, b] = layout.place(state.stay);
      return a !== x || b !== y;
    }).length;
    """
    for at in moments(run_of("rollout"), data):
        assert call(browser, between, at) == 0


def focused(browser):
    """What has the focus, by its name in the replay."""
    return browser.execute_script("return document.activeElement.dataset.do || document.activeElement.className")


def tab_to(browser, name):
    """Press Tab until something has the focus."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for _ in range(40):
        if focused(browser) == name:
            return
        ActionChains(browser).send_keys(Keys.TAB).perform()
    raise AssertionError(f"no way to {name} by Tab, only to {focused(browser)}")


def press(browser, *keys):
    """Press keys, wherever the focus is."""
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


@pytest.mark.slow
def test_keys_alone_play_scrub_and_follow(browser, opened):
    """Tab reaches picture, slider, buttons and lists; space plays and pauses, arrows, Home and End scrub, page keys go
    from event to event, and a session is followed by a button and by the list.
    """
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    opened()
    tab_to(browser, "stage")
    press(browser, " ")
    time.sleep(0.3)
    assert call(browser, "return replay.playing")
    press(browser, " ")
    assert not call(browser, "return replay.playing")
    length = call(browser, "return replay.length")
    press(browser, Keys.END)
    assert call(browser, "return replay.t") == length
    press(browser, Keys.HOME, Keys.ARROW_RIGHT)
    assert 0 < call(browser, "return replay.t") <= length / 50
    press(browser, Keys.ARROW_LEFT)
    assert call(browser, "return replay.t") == 0
    data = data_of([("", run_of("rollout"))])
    first = min(line[0] for line in data["sides"][0]["lines"] if line[0])
    press(browser, Keys.PAGE_DOWN)
    assert call(browser, "return replay.t") == first
    tab_to(browser, "time")
    press(browser, Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert 0 < call(browser, "return replay.t") <= length / 50
    press(browser, Keys.END)
    assert call(browser, "return replay.t") >= length * 0.99
    press(browser, Keys.HOME, " ")
    time.sleep(0.2)
    assert call(browser, "return replay.playing")
    tab_to(browser, "play")
    press(browser, " ")
    assert not call(browser, "return replay.playing")
    tab_to(browser, "broken")
    press(browser, Keys.ENTER)
    broke = call(browser, "return [...root.querySelectorAll('.ladder li.broken')].length")
    assert broke >= 1
    assert call(browser, "return root.querySelector('.ladder [aria-current]').className").startswith("rung broken")
    before = call(browser, "return root.querySelector('[data-do=follow]').value")
    ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    assert focused(browser) == "follow"
    press(browser, Keys.ARROW_DOWN)
    assert call(browser, "return root.querySelector('[data-do=follow]').value") != before
    assert browser.get_log("browser") == []


def test_those_who_hear_it_are_told(browser, opened):
    """Each picture has a text of what it shows now, a live text says what has happened, and a table has it all."""
    opened()
    call(browser, "replay.seek(replay.length / 2)")
    time.sleep(0.5)
    charts = call(
        browser,
        "return [...root.querySelectorAll('canvas:not([aria-hidden])')].map((chart) => [chart.getAttribute('role'),"
        " chart.getAttribute('aria-label'), chart.closest('figure').querySelector('figcaption').textContent.trim()])",
    )
    assert len(charts) == 2
    assert all(role == "img" and len(label) > 20 and len(caption) > 20 for role, label, caption in charts)
    assert "sessions: " in charts[0][1]
    live = call(browser, "const one = root.querySelector('[aria-live]'); return [one.ariaLive, one.textContent]")
    assert live[0] == "polite"
    assert "sessions: " in live[1]
    moment = call(browser, "return root.querySelector('[data-do=time]').getAttribute('aria-valuetext')")
    assert live[1].startswith(f"{moment}. ")
    data = data_of([("", run_of("rollout"))])
    rows = call(browser, "return [...root.querySelectorAll('details tbody tr')].map((row) => row.cells[1].textContent)")
    assert rows == [f"{who}: {what}" for _, _, who, what, _ in data["sides"][0]["lines"] if who != "run"]
