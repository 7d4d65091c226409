"""The replay in a real browser: what it draws equals the frames, a session can be followed, and keys do it all."""

import time
from functools import cache

import numpy as np
import pytest
from small_scenario import small
from test_pages import open_page, printed, put, requested

import simsticky as ss
from simsticky.report.html import comparison_page
from simsticky.report.replay.data import data_of
from simsticky.study.compare import compare

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title='owned'</script><img src=https://example.org/x onerror=alert(1)>"
LONGER = {"deployment__preStop": "30s", "deployment__grace": "60s"}
CRASHES = {"app__crash": {"every": {"kind": "exponential", "mean": "20s"}, "versions": "new"}}
HASHED = {
    "upstream": {"algorithm": "consistent-hashing", "hashOn": {"input": "ip"}, "hashOnFallback": {"input": "none"}},
}


@cache
def run_of(kind):
    """A rolling update, and its like with crashes, failing requests, a crowd and so on."""
    changes = {
        "rollout": {},
        "crashes": CRASHES,
        "failing": {**CRASHES, "gateway__retries": 0},
        "still": {"timeline": [], "run__until": "1m"},
        "outside": {"app__state": "external"},
        "connections": {"traffic__connections": "long-lived"},
        "hashed": HASHED,
        "crowd": {"traffic__sessions__rate": "16/s", "run__until": "3m"},
    }[kind]
    return ss.simulate(small(name=HOSTILE, **changes))


@cache
def page_text(kind):
    """The page of such a run."""
    return ss.report(run_of(kind))


@cache
def compared():
    """A comparison of two settings, and the page that replays both."""
    one = small(run__skewFloor=False)
    two = one.evolve({name.replace("__", "."): value for name, value in LONGER.items()})
    found = compare({"now": one, HOSTILE: two}, 2, 3)
    runs = [("now", ss.simulate(one, 3)), (HOSTILE, ss.simulate(two, 3))]
    return runs, comparison_page(found)


@pytest.fixture
def opened(browser, pages):
    """Opens the page of a run, at a width, in a scheme."""

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


def call(browser, body, *arguments):
    """Run a script with the replay as ``replay`` and the section as ``root``."""
    return browser.execute_script(
        f"const root = document.getElementById('replay'), replay = root.replay; {body}", *arguments
    )


DRAWN = """
replay.seek(arguments[0]);
const panel = replay.panels[arguments[1]], c = panel.context, ratio = panel.canvas.width / panel.layout.width;
const red = getComputedStyle(root).getPropertyValue('--broken').trim();
const wanted = [1, 3, 5].map((at) => parseInt(red.slice(at, at + 2), 16));
return Object.entries(panel.dots).flatMap(([look, dots]) => dots.map(([x, y, session]) => {
  const pixel = c.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data;
  return [session.id, look, wanted.every((value, i) => Math.abs(value - pixel[i]) < 12)];
}));
"""


def complaints(browser):
    """What the console says, but for what it says of a test that reads pixels."""
    return [entry for entry in browser.get_log("browser") if "getImageData" not in entry["message"]]


def broken_at(run, at_s):
    """The sessions that are alive at a moment and have been broken until then, by an operation or a crash."""
    caused = run.requests[(run.requests["broke"] != "") & (run.requests["origin"] != "background")]
    broken = set(caused.loc[caused["ended_s"] <= at_s, "session"])
    there = run.sessions[(run.sessions["started_s"] <= at_s) & ~(run.sessions["ended_s"] < at_s)]
    return broken & set(there["session"])


def moments(run, data):
    """Ten moments of a replay, in hundredths, at which nothing happens to any session."""
    times = np.concatenate([run.requests["ended_s"].dropna(), run.sessions[["started_s", "ended_s"]].stack()])
    busy = np.sort(100 * (times - data["from_s"]))
    free = np.arange(100, data["length"] - 100)
    after = np.searchsorted(busy, free)
    gaps = np.minimum(free - busy[after - 1], busy[np.minimum(after, len(busy) - 1)] - free)
    free = free[np.abs(gaps) > 0.6]
    wanted = np.linspace(200, data["length"] - 200, 10)
    return [int(free[np.abs(free - want).argmin()]) for want in wanted]


@pytest.mark.parametrize("kind", ["rollout", "crashes"])
def test_red_dots_are_the_breaks(browser, opened, kind):
    """At ten moments the dots that are red on the canvas are those of the sessions that have been broken by then, no
    other pixel under a dot is, and every living session is drawn.
    """
    run = run_of(kind)
    data = data_of([("", run)])
    opened(kind)
    seen = 0
    for at in moments(run, data):
        at_s = data["from_s"] + at / 100
        dots = call(browser, DRAWN, at, 0)
        assert {number for number, look, _ in dots if look == "broken"} == broken_at(run, at_s)
        assert [number for number, look, red in dots if red != (look == "broken")] == []
        there = run.sessions[(run.sessions["started_s"] <= at_s) & ~(run.sessions["ended_s"] < at_s)]
        assert {number for number, _, _ in dots} == set(there["session"])
        seen += len(broken_at(run, at_s))
    assert seen > 20
    assert complaints(browser) == []


def test_both_settings_show_their_own_breaks(browser, opened):
    """Side by side each canvas has the red dots of its own run, and the legend counts both."""
    runs, _ = compared()
    data = data_of(runs)
    opened("compared")
    differ = 0
    for at in moments(runs[0][1], data):
        wanted = [broken_at(run, data["from_s"] + at / 100) for _, run in runs]
        for place, _ in enumerate(runs):
            dots = call(browser, DRAWN, at, place)
            assert {number for number, look, _ in dots if look == "broken"} == wanted[place]
        legend = "return [...root.querySelectorAll('tr[data-look=broken] td')].map((cell) => Number(cell.textContent))"
        assert call(browser, legend) == [len(broken) for broken in wanted]
        differ += wanted[0] != wanted[1]
    assert differ > 2
    assert call(browser, "return [...root.querySelectorAll('.side h3')].map((one) => one.textContent)")[1] == HOSTILE
    assert complaints(browser) == []


RUNGS = """
return [...root.querySelectorAll('.ladder')[arguments[0]].querySelectorAll('li[data-request]')].map((line) => ({
  request: Number(line.dataset.request), count: Number(line.dataset.count), broke: line.dataset.broke || "",
  outcome: line.dataset.outcome, mechanism: line.dataset.mechanism || "", pod: line.dataset.pod || "",
  text: line.textContent }));
"""


def check_rungs(rungs, run, number, data):
    """Hold the rungs of a session to its rows of the frame."""
    rows = run.requests[run.requests["session"] == number]
    until_s = data["from_s"] + data["length"] / 100
    rows = rows[(rows["sent_s"] <= until_s) & ~(rows["ended_s"] < data["from_s"])]
    told = [n for rung in rungs for n in range(rung["request"], rung["request"] + rung["count"])]
    assert told == rows["request"].tolist()
    of = rows.set_index("request")
    for rung in rungs:
        for n in range(rung["request"], rung["request"] + rung["count"]):
            row = of.loc[n]
            assert (rung["broke"], rung["outcome"], rung["mechanism"]) == (row.broke, row.outcome, row.mechanism)
            assert row.pod != row.pod or (rung["pod"] and row.pod.endswith(rung["pod"]))
        if rung["count"] == 1:
            assert row.node in rung["text"]
        if row.attempts > 1:
            assert "retry" in rung["text"] or "retries" in rung["text"]
        if row.broke:
            assert ("state lost" if row.broke == "lost" else "older copy") in rung["text"]


def choose(browser, number):
    """Follow a session by the list, as its user does."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    Select(browser.find_element(By.CSS_SELECTOR, "[data-do=follow]")).select_by_value(str(number))


@pytest.mark.parametrize("kind", ["rollout", "failing"])
def test_a_followed_session_shows_its_requests(browser, opened, kind):
    """Three sessions: one that was refused or failed, one whose pod was no target, one that did not break."""
    run = run_of(kind)
    data = data_of([("", run)])
    requests = run.requests[run.requests["session"].isin(data["sides"][0]["sessions"]["id"])]
    caused = requests[requests["operation"] > 0]
    hard = caused[(caused["mechanism"] == "refused") if kind == "rollout" else (caused["outcome"] != "answered")]
    gone = caused[caused["mechanism"] == "target_removed"]
    whole = ~requests["session"].isin(requests.loc[(requests["broke"] != "") | (requests["attempts"] > 1), "session"])
    first, second, third = (int(rows["session"].iloc[-1]) for rows in (hard, gone, requests[whole]))
    opened(kind)
    for number in (second, third, first):
        choose(browser, number)
        check_rungs(call(browser, RUNGS, 0), run, number, data)
    told = call(browser, "return root.querySelector('.ladder').textContent")
    wanted = ["exposed: ", "kubelet SIGTERM to", "with cookie A → kong-"]
    if kind == "rollout":
        wanted += ["refuses the connection → retry → ", "Set-Cookie B → state lost", "the drain window is too short"]
    else:
        wanted += ["502: no attempt reaches a pod", "with its cookie"]
    assert [words for words in wanted if words not in told] == []
    assert browser.get_log("browser") == []


def test_a_session_is_followed_through_both_settings(browser, opened):
    """Two ladders of one session, each its own run's."""
    runs, _ = compared()
    data = data_of(runs)
    ids = set.intersection(*(set(side["sessions"]["id"]) for side in data["sides"]))
    caused = runs[0][1].requests[(runs[0][1].requests["broke"] != "") & (runs[0][1].requests["operation"] > 0)]
    number = next(n for n in caused["session"] if n in ids)
    opened("compared")
    choose(browser, int(number))
    for place, (_, run) in enumerate(runs):
        check_rungs(call(browser, RUNGS, place), run, number, data)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("kind", ["rollout", "compared"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_goes_wrong_leaves_or_overflows(browser, opened, kind, width, scheme):
    """While it plays and a session is followed: no console message, no request, no sideways scrolling, nothing cut."""
    address = opened(kind, width, scheme)
    call(browser, "root.querySelectorAll('details').forEach((fold) => { fold.open = true; });")
    call(browser, "root.querySelector('[data-do=broken]').click(); root.querySelector('[data-do=play]').click();")
    time.sleep(0.5)
    assert call(browser, "return replay.playing")
    assert browser.get_log("browser") == []
    assert {url for url in requested(browser) if not url.startswith("data:")} == {address}
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    beyond = call(
        browser,
        "return [...root.querySelectorAll('canvas, button, select, input, li, p, td, h3')]"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)"
        ".map((one) => one.outerHTML.slice(0, 80))",
    )
    assert beyond == []
    assert browser.title != "owned"


@pytest.mark.parametrize("kind", ["still", "outside", "connections", "hashed"])
def test_every_kind_of_run_can_be_replayed(browser, opened, kind):
    """Without an operation, with the state outside the pods, with open connections, and where keys bind: each living
    session has a dot, the red ones are those that broke, and the first one can be followed.
    """
    run = run_of(kind)
    data = data_of([("", run)])
    opened(kind)
    for at in moments(run, data)[::3]:
        at_s = data["from_s"] + at / 100
        dots = call(browser, DRAWN, at, 0)
        assert {number for number, look, _ in dots if look == "broken"} == broken_at(run, at_s)
    number = data["sides"][0]["sessions"]["id"][0]
    choose(browser, number)
    check_rungs(call(browser, RUNGS, 0), run, number, data)
    assert "cookie" not in call(browser, "return root.querySelector('.ladder').textContent") or kind in (
        "still",
        "outside",
    )
    assert complaints(browser) == []


def test_the_picture_has_the_colours_of_the_scheme(browser, opened):
    """In the dark scheme the boxes are dark and their dots bright, also when the scheme changes while it is open."""
    ground = """
    const { context: c, canvas, layout } = replay.panels[0];
    const box = layout.boxes.at(-1), ratio = canvas.width / layout.width;
    const pixel = c.getImageData((box.x + box.w - 4) * ratio, (box.y + box.h - 4) * ratio, 1, 1).data;
    return (pixel[0] + pixel[1] + pixel[2]) / 765;
    """
    opened(scheme="light")
    call(browser, "replay.seek(replay.length)")
    assert call(browser, ground) > 0.9
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    time.sleep(0.2)
    assert call(browser, ground) < 0.2


def test_nothing_moves_by_itself(browser, opened):
    """The replay waits for its reader."""
    opened()
    time.sleep(0.3)
    assert call(browser, "return [replay.playing, replay.t]") == [False, 0]


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


def test_a_dot_says_why_and_can_be_clicked(browser, opened):
    """Pointing at a red dot tells how and why it broke; a click follows the session."""
    opened()
    call(browser, "replay.seek(replay.length * 0.6)")
    found = """
    const panel = replay.panels[0], [x, y, session] = panel.dots.broken[0], box = panel.canvas.getBoundingClientRect();
    const scale = box.width / panel.layout.width;
    const where = { clientX: box.left + x * scale, clientY: box.top + y * scale };
    panel.canvas.dispatchEvent(new PointerEvent('pointermove', where));
    const said = root.querySelector('.says').textContent;
    panel.canvas.dispatchEvent(new MouseEvent('click', where));
    return [session.id, said, root.querySelector('[data-do=follow]').value];
    """
    number, said, followed = call(browser, found)
    assert str(number) == followed
    assert said.startswith(f"Session {number} on ")
    assert "broken by an operation or a crash: " in said
    assert "the drain window is too short" in said


def test_a_crashed_pod_is_not_drawn_ready(browser, opened):
    """While its container is down the strip of a pod is not that of a ready one, and its words say so."""
    data = data_of([("", run_of("crashes"))])
    phases = data["sides"][0]["phases"]
    opened("crashes")
    strip = """
    replay.seek(arguments[1]);
    const { context: c, canvas, layout } = replay.panels[0], ratio = canvas.width / layout.width;
    const box = layout.boxes.find((one) => one.tenants[0].index === arguments[0]);
    const pixels = c.getImageData((box.x + 2) * ratio, (box.y + 2) * ratio, (box.w - 6) * ratio, 2).data;
    const blue = getComputedStyle(root).getPropertyValue('--blue').trim();
    const wanted = [1, 3, 5].map((at) => parseInt(blue.slice(at, at + 2), 16));
    let same = 0;
    for (let i = 0; i < pixels.length; i += 4) same += wanted.every((value, n) => Math.abs(value - pixels[i + n]) < 12);
    return same / (pixels.length / 4);
    """
    seen = set()
    for number, pod in enumerate(data["sides"][0]["pods"]):
        for (phase, since), (_, until) in zip(pod["phases"], pod["phases"][1:], strict=False):
            if until - since > 10:
                blue = call(browser, strip, number, (since + until) / 2)
                assert (blue > 0.9) == (phases[phase] == "ready")
                seen.add(phases[phase])
    assert {"ready", "container down", "starting"} <= seen


COUNTED = """
const names = ['arc', 'rect', 'moveTo', 'lineTo', 'fill', 'stroke', 'fillText', 'measureText'];
const calls = Object.fromEntries(names.map((name) => [name, 0])), own = {};
const canvases = CanvasRenderingContext2D.prototype;
for (const name of names) {
  own[name] = canvases[name];
  canvases[name] = function (...given) { calls[name] += 1; return own[name].apply(this, given); };
}
const watcher = new MutationObserver(() => {});
watcher.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
replay.seek(arguments[0]);
const changes = watcher.takeRecords().length;
watcher.disconnect();
for (const name of names) canvases[name] = own[name];
return [calls, changes, Object.values(replay.panels[0].dots).flat().length, replay.panels[0].layout.boxes.length];
"""


def test_a_frame_is_little_work(browser, opened):
    """With about 500 sessions a frame makes a handful of fills for all dots, a few steps a dot, and hardly touches the
    page: what a frame costs does not grow faster than what is drawn.
    """
    opened("crowd")
    for part in (0.2, 0.5, 0.6, 0.8):
        length = call(browser, "return replay.length")
        calls, changes, dots, boxes = call(browser, COUNTED, length * part)
        assert dots > 350
        assert boxes == 6
        assert calls["fill"] + calls["stroke"] <= 6 + 2 * boxes + 1
        assert calls["arc"] + calls["rect"] + calls["moveTo"] <= 3 * dots + 60 * boxes
        assert calls["lineTo"] <= 4 * dots + 60 * boxes
        assert calls["fillText"] <= 3 * boxes
        assert calls["measureText"] <= 30 * boxes
        assert changes <= 40


def test_it_prints_as_a_still(browser, opened):
    """On paper the picture shows a moment at which something happens, with its legend, and nothing that cannot work."""
    opened()
    call(
        browser,
        "root.seen = []; addEventListener('beforeprint', () => setTimeout(() => {}, 0));"
        "new MutationObserver(() => root.seen.push([root.classList.contains('paper'), replay.t]))"
        ".observe(root, { attributes: true, attributeFilter: ['class'] });",
    )
    content = printed(browser)
    assert content.startswith(b"%PDF")
    seen = call(browser, "return root.seen")
    assert [on for on, _ in seen][:1] == [True]
    assert seen[0][1] > 0
    assert call(browser, "return [root.classList.contains('paper'), replay.t]") == [False, 0]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = call(
        browser,
        "return ['.stage canvas', '.counts', '.strip', '[data-do=play]', '[data-do=time]', '.log', 'details']"
        ".map((name) => root.querySelector(name).checkVisibility())",
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == [True, True, True, False, False, False, False]
