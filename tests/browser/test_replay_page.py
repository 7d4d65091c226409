"""The replay in a real browser: what it draws equals the frames, a session can be followed, and keys do it all."""

import time

import pytest
from opened_pages import printed, requested
from replays import HOSTILE, call, compared, moments, run_of

from simsticky.report.replay.data import data_of

pytestmark = pytest.mark.browser

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


@pytest.mark.quick_cases(1)
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


@pytest.mark.quick_cases(1)
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


@pytest.mark.quick_cases(2)
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


@pytest.mark.parametrize(
    "kind", ["still", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("outside", "connections", "hashed"))]
)
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


@pytest.mark.slow
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


@pytest.mark.slow
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
    # Listeners of our own, called after the page's: on a busy machine a MutationObserver is told of it too late.
    call(
        browser,
        "root.seen = []; const note = () => root.seen.push([root.classList.contains('paper'), replay.t]);"
        "addEventListener('beforeprint', note); addEventListener('afterprint', note);",
    )
    content = printed(browser)
    assert content.startswith(b"%PDF")
    seen = call(browser, "return root.seen")
    assert [on for on, _ in seen[-2:]] == [True, False]
    assert seen[-2][1] > 0
    assert call(browser, "return [root.classList.contains('paper'), replay.t]") == [False, 0]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = call(
        browser,
        "return ['.stage canvas', '.counts', '.strip', '[data-do=play]', '[data-do=time]', '.log', 'details']"
        ".map((name) => root.querySelector(name).checkVisibility())",
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == [True, True, True, False, False, False, False]
