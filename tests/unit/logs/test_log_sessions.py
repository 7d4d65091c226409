"""What tells sessions apart, and the sessions that come of it."""

import math
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from logs import writers
from logs.recording import requests_of
from logs.traffic import BEGIN_S, Request, pods_of, target_cookie, traffic
from small_scenario import small

from simsticky.errors import InputError
from simsticky.logs.read import read_logs
from simsticky.logs.requests import LogRead
from simsticky.simulate import simulate


def read(made: list[Request], folder: Path, **how: object) -> LogRead:
    path = folder / "kong.log"
    path.write_text(writers.text(made))
    return read_logs(path, **how)  # type: ignore[arg-type]


def without_app(made: list[Request]) -> list[Request]:
    return [replace(each, app_in="", app_out="") for each in made]


def purely(log: LogRead, made: list[Request]) -> bool:
    """Return whether recovered sessions are the true ones, request by request."""
    true = [each.session for each in sorted(made, key=lambda each: int(each.sent_s * 1000))]
    found = log.requests.session.tolist()
    pairs = set(zip(true, found, strict=True))
    return len(pairs) == len(set(true)) == len(set(found)) and -1 not in found


def spaced(made: list[Request]) -> list[Request]:
    """Return requests no two of which were sent within a millisecond: then the log's order is theirs."""
    return [one for number, one in enumerate(made) if not number or one.sent_s - made[number - 1].sent_s > 0.002]


def test_an_application_cookie_tells_sessions_apart(tmp_path: Path) -> None:
    """Its values are many, and each is one client's; the quality and the evidence are said."""
    made = spaced(traffic(400))
    log = read(made, tmp_path)
    key = log.sessions.key
    assert (key.kind, key.name, key.quality) == ("cookie", "JSESSIONID", "certain")
    sessions = len({each.app_in for each in made if each.app_in})
    assert (
        f"The cookie JSESSIONID (found in the log) is in 100 % of the requests, with {sessions} values" in key.evidence
    )
    assert purely(log, made)


def test_a_cookie_that_names_the_target_is_said_and_refused_as_a_key(tmp_path: Path) -> None:
    """Kong's sticky cookie has three values for three pods: it cannot tell sessions apart (facts: S1)."""
    made = without_app(traffic(400))
    log = read(made, tmp_path)
    assert (log.sticky_cookie, log.names_target) == ("session_id", True)
    assert str(log.sessions.key) == "ip+ua"
    assert log.sessions.key.quality == "weak"
    said = "The cookie session_id names the target, not the session (3 values for 3 pods, each shared by "
    assert any(note.startswith(said) for note in log.notes)
    with pytest.raises(InputError, match="--session-key: The cookie session_id names the target") as error:
        read(made, tmp_path, session_key="cookie:session_id")
    assert "what tells them apart: ip+ua" in str(error.value)


def test_rollouts_do_not_make_a_target_cookie_look_like_sessions(tmp_path: Path) -> None:
    """Two days with many rollouts have many values, and as many pods."""
    made = traffic(900, pods=pods_of(3, tuple(range(300, 3300, 300))))
    log = read(made, tmp_path)
    assert len(log.requests.pods) == 33
    assert log.names_target
    assert str(log.sessions.key) == "cookie:JSESSIONID"


def test_few_sessions_on_three_pods_are_still_sessions(tmp_path: Path) -> None:
    """Five people on three pods have few values of a session's cookie: each is one client's all the same."""
    made = [each for each in traffic(5, requests=30, seed=8) if each.sent_s < BEGIN_S + 3000]
    assert len({each.app_in for each in made} - {""}) <= 6
    log = read(made, tmp_path)
    assert str(log.sessions.key) == "cookie:JSESSIONID"


def test_a_sticky_cookie_of_its_own_for_each_session_is_a_key(tmp_path: Path) -> None:
    """Kong's hash cookie, and ingress-nginx's: random for each client, and always on the same pod."""
    made = without_app(spaced(traffic(400)))
    made = [
        replace(
            each,
            sticky_in=f"u-{each.session}" if each.sticky_in else "",
            sticky_out=f"u-{each.session}" if each.sticky_out else "",
        )
        for each in made
    ]
    log = read(made, tmp_path)
    assert (log.sticky_cookie, log.names_target) == ("session_id", False)
    assert (str(log.sessions.key), log.sessions.key.quality) == ("cookie:session_id", "certain")
    assert purely(log, made)


def test_the_users_key_is_taken(tmp_path: Path) -> None:
    """``--session-key`` wins over what was found, and says so."""
    made = traffic(200)
    log = read(made, tmp_path, session_key="ip+ua")
    assert str(log.sessions.key) == "ip+ua"
    assert "(as --session-key says)" in log.sessions.key.evidence
    assert str(read(made, tmp_path, session_key="ip").sessions.key) == "ip"
    header = read(made, tmp_path, session_key="header:User-Agent")
    assert len(header.sessions) < 20
    for bad in ("JSESSIONID", "cookie:", "ip+", ""):
        with pytest.raises(InputError, match="cookie:NAME, header:NAME, consumer, ip"):
            read(made, tmp_path, session_key=bad)
    with pytest.raises(InputError, match="no request has cookie:nothing"):
        read(made, tmp_path, session_key="cookie:nothing")


def test_consumers_tell_people_apart_and_programs_do_not(tmp_path: Path) -> None:
    """Three consumers are three programs, with many people behind each."""
    made = without_app(traffic(300))
    people = [replace(each, consumer=f"user-{each.session}") for each in made]
    log = read(people, tmp_path)
    assert (log.sessions.key.kind, log.sessions.key.quality) == ("consumer", "good")
    programs = [replace(each, consumer=f"app-{each.session % 3}") for each in made]
    assert read(programs, tmp_path).sessions.key.kind == "client"


def test_a_proxy_in_front_leaves_no_key_at_all(tmp_path: Path) -> None:
    """All requests from two addresses with one agent: nobody can be told from anybody, and that is said."""
    made = [replace(each, client=f"10.0.0.{each.session % 2}", agent="curl") for each in without_app(traffic(300))]
    log = read(made, tmp_path)
    assert log.sessions.key.kind == "none"
    assert len(log.sessions) == 0
    assert (log.requests.session == -1).all()
    assert "a proxy may stand before the gateway" in log.sessions.key.evidence
    assert any("No sessions could be told apart." in sentence for sentence in log.describe())


def test_clients_without_a_jar_are_known_by_what_they_do_not_bring(tmp_path: Path) -> None:
    """They are given a cookie each time; their requests are put together by address, and their share is found."""
    made = spaced(traffic(1500, cookieless=0.2, requests=8))
    log = read(made, tmp_path)
    assert purely(log, made)
    sizes = Counter(each.session for each in made)
    many = {session for session, size in sizes.items() if size > 1}
    brings = {each.session for each in made if each.app_in}
    assert log.sessions.jar_known.sum() == pytest.approx(len(many), abs=len(many) * 0.01)
    assert log.sessions.cookieless_share == pytest.approx(1 - len(many & brings) / len(many), abs=0.01)


def test_a_session_that_lost_its_state_is_one_session(tmp_path: Path) -> None:
    """The pod that knows it not sets another cookie: who brought the one goes on with the other."""
    made = spaced(traffic(3000, pods=pods_of(3, (1800,), drain_s=0)))
    replaced = sum(bool(each.app_in and each.app_out) for each in made)
    assert replaced > 10
    log = read(made, tmp_path)
    assert purely(log, made)
    both = (log.requests.cookie_in >= 0) & (log.requests.cookie_out >= 0)
    assert both.sum() == sum(bool(each.sticky_in and each.sticky_out) for each in made)


def test_half_an_hour_of_silence_ends_a_session(tmp_path: Path) -> None:
    """The cookie comes back the next morning, and a session with it."""
    made = traffic(100)
    later = [replace(each, sent_s=each.sent_s + 7200, sticky_out="", app_out="") for each in made]
    later = [replace(each, app_in=each.app_in or next_app(made, each.session)) for each in later]
    log = read(made + later, tmp_path)
    once = len({each.session for each in made})
    assert len(log.sessions) == 2 * once
    early = log.sessions.first_s < 3700
    assert log.sessions.ended_in_window[early].all()
    assert log.sessions.started_in_window[~early].all()
    assert len(read(made + later, tmp_path, gap_s=3 * 3600.0).sessions) == once


def next_app(made: list[Request], session: int) -> str:
    return next(each.app_in or each.app_out for each in made if each.session == session)


def test_window_edges_are_censored_not_ends(tmp_path: Path) -> None:
    """Sessions that were there before, or may go on after, are marked as such."""
    made = traffic(2000, length_s=1800, requests=10)
    first, last = {}, {}
    for each in made:
        first.setdefault(each.session, each)
        last[each.session] = each
    log = read(made, tmp_path)
    # The truth: whoever came with a cookie at the first logged request is older than the log.
    older = sum(bool(each.app_in) for each in first.values())
    assert older > 50
    assert (~log.sessions.started_in_window).sum() == pytest.approx(older, abs=3)
    open_ones = (~log.sessions.ended_in_window).sum()
    # Mean remaining time of those alive at the end, at 10 s a think: some 110 s of 1.1 sessions a second.
    assert 60 < open_ones < 300
    assert log.sessions.quiet_s < 300
    still = [each.end_s > BEGIN_S + 1800 - log.sessions.quiet_s for each in last.values()]
    assert open_ones == pytest.approx(sum(still), abs=3)


def test_people_behind_one_address_are_not_put_together(tmp_path: Path) -> None:
    """One-page visits from an office: they share an address with clients that keep cookies."""
    made = [replace(each, client="198.51.100.1", agent="one") for each in traffic(300)]
    log = read(made, tmp_path)
    assert str(log.sessions.key) == "cookie:JSESSIONID"
    assert len(log.sessions) == len({each.session for each in made})


def test_two_tabs_do_not_make_a_client_without_a_jar(tmp_path: Path) -> None:
    """A second request sent before the first answer has no cookie yet."""
    made = traffic(200)
    doubled = []
    for each in made:
        doubled.append(each)
        if each.app_out and not each.app_in:
            doubled.append(replace(each, sent_s=each.sent_s + 0.001, app_out=each.app_out))
    log = read(doubled, tmp_path)
    assert log.sessions.cookieless_share == pytest.approx(0.0, abs=0.01)


def test_a_simulated_run_gives_back_its_sessions_and_its_cookieless_share(tmp_path: Path) -> None:
    """The simulator's own log, read back: sessions as they were, and who keeps no cookies."""
    result = simulate(
        small([{"at": "300s", "rollout": "app"}], run__settle="60s", traffic__cookies__keep=0.9, run__seed=5)
    )
    made = requests_of(result)
    log = read(made, tmp_path)
    logged = Counter(each.session for each in made)
    assert sorted(log.sessions.requests.tolist()) == sorted(logged.values())
    repeated = {session for session, size in logged.items() if size > 1}
    jars = dict(zip(result.sessions["session"], result.sessions["has_jar"], strict=True))
    truth = np.mean([not jars[session] for session in repeated if session in jars])
    assert log.sessions.cookieless_share == pytest.approx(truth, abs=0.01)
    (rollout,) = log.rollouts
    assert rollout.kind == "rollout"
    assert (len(rollout.old), len(rollout.new)) == (3, 3)


def test_the_log_holds_numbers_and_no_values(tmp_path: Path) -> None:
    """Cookies, addresses of clients and paths are in no attribute of what was read."""
    made = traffic(60)
    log = read(made, tmp_path)
    text = repr(log) + " ".join(log.describe())
    for secret in (made[0].client, made[0].app_out or made[0].app_in, target_cookie(made[0].pod), "/cart"):
        assert secret not in text


def test_nothing_of_it_depends_on_the_order_of_lines(tmp_path: Path) -> None:
    """Workers write as they please."""
    made = spaced(traffic(200))
    log = read(made, tmp_path)
    lines = writers.text(made).splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    path = tmp_path / "shuffled.log"
    path.write_text("".join(lines))
    other = read_logs(path)
    assert (other.requests.session == log.requests.session).all()
    assert (other.requests.cookie_in == log.requests.cookie_in).all()
    assert math.isclose(other.sessions.quiet_s, log.sessions.quiet_s)


def test_the_requests_of_one_service_are_taken(tmp_path: Path) -> None:
    """A gateway stands before many applications; their pods and sessions are not one's own."""
    made = traffic(200)
    others = [
        replace(each, pod=each.pod.replace(".244.", ".9."), session=-each.session) for each in traffic(300, seed=7)
    ]
    path = tmp_path / "kong.log"
    path.write_text(writers.text(made) + writers.text(others).replace("shop.web.80", "blog.web.80"))
    both = read_logs(path)
    assert len(both.requests.pods) == 6
    assert any("requests of 2 services (blog.web.80, shop.web.80)" in note for note in both.notes)
    one = read_logs(path, service="shop.web.80")
    assert (len(one.requests), len(one.requests.pods), one.others) == (len(made), 3, len(others))
    assert len(one.sessions) == len({each.session for each in made})
    with pytest.raises(InputError, match=r"--service: no request is for 'x' \(the log has blog.web.80, shop.web.80\)"):
        read_logs(path, service="x")
