"""Each format of logs: what its documentation says of a request is what is read of it."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from logs import writers
from logs.traffic import BEGIN_S, Request, pods_of, traffic
from markdown_page import ROOT

from simsticky.logs.formats import BY_NAME
from simsticky.logs.read import read_logs
from simsticky.logs.record import set_cookie_pairs


class Case(NamedTuple):
    write: Callable[[Request], str]
    clock_s: float
    """Resolution of its times."""
    took: bool = True
    pods: bool = True
    service: bool = True
    clients: bool = True
    key: str = "ip+ua"
    sticky: str = ""


CASES = {
    "kong-json": Case(writers.kong, 0.001, key="cookie:JSESSIONID", sticky="session_id"),
    "envoy-json": Case(partial(writers.envoy, cookies=True), 0.001, key="cookie:JSESSIONID", sticky="session_id"),
    "traefik-json": Case(writers.traefik, 1e-6, key="cookie:JSESSIONID", sticky="session_id"),
    "ingress-nginx": Case(writers.ingress_nginx, 1.0),
    "haproxy": Case(writers.haproxy, 0.001, sticky="session_id"),
    "aws-alb": Case(writers.aws_alb, 1e-6),
    "nginx-json": Case(writers.nginx_json, 0.001, key="cookie:JSESSIONID", sticky="session_id"),
    "nginx-sticky": Case(writers.nginx_sticky, 0.001, clients=False, sticky="sticky"),
    "traefik": Case(writers.traefik_text, 1.0, service=False),
    "combined": Case(writers.combined, 1.0, took=False, pods=False, service=False),
}


@pytest.fixture(scope="module")
def made() -> list[Request]:
    """Two rollouts within an hour, some clients without cookies, one request that met a dead pod, one that got none."""
    found = traffic(200, pods=pods_of(3, (1200, 2400)), cookieless=0.05, seed=4)
    found[100] = replace(found[100], refused=("10.244.9.1:8080", "10.244.9.2:8080"))
    found[200] = replace(found[200], pod="", status=502, sticky_out="", app_out="", refused=("10.244.9.1:8080",))
    return found


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_format_is_found_and_its_requests_are_read(name: str, made: list[Request], tmp_path: Path) -> None:
    """Protects each figure of a request from another field, unit or attempt of its line."""
    case = CASES[name]
    path = tmp_path / "access.log"
    path.write_text(writers.text(made, case.write))
    log = read_logs(path)
    assert (log.format, log.lines, log.damaged, log.others) == (name, len(made), 0, 0)
    assert (log.requests.tick_s == 1.0) == (case.clock_s == 1.0)
    requests = log.requests
    begin = requests.epoch.timestamp()
    sent, truth = requests.sent_s + begin, np.array([each.sent_s for each in made])
    assert abs(sent - truth).max() <= case.clock_s + 1e-3
    assert sorted(requests.status.tolist()) == sorted(each.status for each in made)
    # Within one second the order is that of the lines, so these are compared as sets.
    if case.took:
        assert np.allclose(np.sort(requests.took_s), np.sort([each.took_s for each in made]), atol=2e-3)
    else:
        assert np.isnan(requests.took_s).all()
    if case.pods:
        names = [requests.pods[pod] if pod >= 0 else "" for pod in requests.pod]
        assert sorted(names) == sorted(each.pod for each in made)
    else:
        assert requests.pods == ()


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.clock_s == 1.0))
def test_of_whole_seconds_the_order_of_the_lines_is_kept(name: str, made: list[Request], tmp_path: Path) -> None:
    """Protects moves of sessions from an order by duration: lines stand in the order of the answers."""
    case = CASES[name]
    busy = [replace(each, sent_s=BEGIN_S + number / 7) for number, each in enumerate(made)]
    path = tmp_path / "access.log"
    by_answer = sorted(busy, key=lambda each: each.sent_s + (each.took_s if name == "ingress-nginx" else 0.0))
    path.write_text(writers.text(by_answer, case.write))
    log = read_logs(path)
    assert log.requests.tick_s == 1.0
    assert any("whole seconds" in note for note in log.notes)
    moments = log.requests.sent_s + (np.nan_to_num(log.requests.took_s) if name == "ingress-nginx" else 0.0)
    found = log.requests.status[np.argsort(moments, kind="stable")]
    assert found.tolist() == [each.status for each in by_answer]
    assert (np.diff(np.sort(moments)) > 0).all(), "no two at once"


EXACT = sorted(name for name, case in CASES.items() if case.clock_s < 0.01)


@pytest.mark.parametrize("name", EXACT)
def test_each_request_keeps_its_own_figures(name: str, made: list[Request], tmp_path: Path) -> None:
    """Protects a request from another's pod, attempts, duration or session."""
    case = CASES[name]
    apart = [each for number, each in enumerate(made) if number == 0 or each.sent_s - made[number - 1].sent_s > 0.01]
    path = tmp_path / "access.log"
    path.write_text(writers.text(apart, case.write))
    requests = read_logs(path).requests
    assert [requests.pods[pod] if pod >= 0 else "" for pod in requests.pod] == [each.pod for each in apart]
    assert requests.status.tolist() == [each.status for each in apart]
    assert np.allclose(requests.took_s, [each.took_s for each in apart], atol=1.1e-3)
    service = [each.service_s if each.pod else math.nan for each in apart]
    assert np.allclose(requests.service_s, service, atol=1.1e-3, equal_nan=True)
    if name not in ("envoy-json", "aws-alb"):  # which count no attempts
        served = [number for number, each in enumerate(apart) if each.pod]
        assert requests.attempts[served].tolist() == [len(apart[number].refused) + 1 for number in served]
    if case.sticky:
        came = [each.sticky_in for each in apart]
        assert partition(requests.cookie_in.tolist()) == partition(came)
        assert [value >= 0 for value in requests.cookie_in] == [bool(value) for value in came]
        assert [value >= 0 for value in requests.cookie_out] == [bool(each.sticky_out) for each in apart]


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.clients))
def test_sessions_are_those_that_were(name: str, made: list[Request], tmp_path: Path) -> None:
    """Protects against sessions that are two, or one that is cut: each has an address of its own here."""
    case = CASES[name]
    whole = [replace(each, status=200, pod=each.pod or "10.244.0.10:8080", refused=()) for each in made]
    path = tmp_path / "access.log"
    path.write_text(writers.text(whole, case.write))
    log = read_logs(path)
    assert str(log.sessions.key) == case.key
    sizes: dict[int, int] = {}
    for each in whole:
        sizes[each.session] = sizes.get(each.session, 0) + 1
    assert sorted(log.sessions.requests.tolist()) == sorted(sizes.values())
    assert (log.requests.session >= 0).all()


def partition(values: list[object]) -> list[int]:
    """Return values numbered in the order of their first places, so that only who is equal to whom is left."""
    numbers: dict[object, int] = {}
    return [numbers.setdefault(value, len(numbers)) for value in values]


def test_every_format_has_a_case() -> None:
    """Protects against a format that nobody tests."""
    assert set(CASES) == set(BY_NAME)


def test_kong_before_3_6_says_who_answered_by_its_tries() -> None:
    """``source`` is new: without it a 502 is the gateway's own, and so is a try that failed."""
    read = BY_NAME["kong-json"].of_object
    assert read is not None
    request = traffic(5)[0]
    assert read(writers.kong_object(request, source=False)).pod == request.pod
    refused = writers.kong_object(replace(request, status=502), source=False)
    assert read(refused).pod == ""
    assert read(writers.kong_object(replace(request, status=503), source=True)).pod == request.pod


def test_kongs_many_cookies_are_a_list() -> None:
    """Kong writes headers of one name as a list; each is looked at."""
    read = BY_NAME["kong-json"].of_object
    assert read is not None
    line = writers.kong_object(traffic(5)[0])
    line["response"]["headers"]["set-cookie"] = ["JSESSIONID=A; Path=/", "session_id=B; Path=/"]
    assert read(line).set_cookies == ["JSESSIONID=A; Path=/", "session_id=B; Path=/"]


def test_joined_set_cookies_are_taken_apart() -> None:
    """Envoy, Traefik and nginx join headers of one name by commas; there is one in a date, too."""
    joined = "a=1; Expires=Thu, 01 Jan 2037 00:00:00 GMT; Path=/, b=2; Path=/,c=; Max-Age=0"
    assert list(set_cookie_pairs(joined)) == [("a", "1"), ("b", "2")]
    assert list(set_cookie_pairs(["a=1; Path=/", "b=2"])) == [("a", "1"), ("b", "2")]


def test_a_proxy_before_kong_does_not_hide_the_client() -> None:
    """``client_ip`` is then the proxy's; the header has the client first."""
    read = BY_NAME["kong-json"].of_object
    assert read is not None
    line = writers.kong_object(traffic(5)[0])
    line["request"]["headers"]["x-forwarded-for"] = "198.51.100.7, 10.0.0.1"
    assert read(line).client == "198.51.100.7"


def test_haproxys_letters_are_the_truth_of_a_dead_server(tmp_path: Path) -> None:
    """D in the third place of the termination state: the cookie named a server that was down."""
    made = traffic(600, pods=pods_of(3, (600,), drain_s=0), length_s=1800)
    path = tmp_path / "haproxy.log"
    path.write_text(writers.text(made, writers.haproxy))
    log = read_logs(path)
    requests = log.requests
    dead = [bool(each.sticky_in and each.sticky_out) for each in made]
    assert sum(dead) > 3
    assert requests.server_down.tolist() == dead
    assert f"The gateway itself says of {sum(dead)} requests that the cookie's server was down." in log.describe()
    kong = tmp_path / "kong.log"
    kong.write_text(writers.text(made))
    assert len(read_logs(kong).requests.server_down) == 0, "Kong has no word for it"


def test_nginxs_cookies_may_be_logged_one_by_one(tmp_path: Path) -> None:
    """``$cookie_NAME`` is there for those who do not want all cookies in their logs."""
    made = traffic(100)
    path = tmp_path / "access.log"
    path.write_text(writers.text(made, partial(writers.nginx_json, one_by_one=True)))
    log = read_logs(path)
    assert (log.sticky_cookie, str(log.sessions.key)) == ("session_id", "cookie:JSESSIONID")
    line = {
        "time_local": "01/Sep/2026:12:00:00 +0200",
        "remote_addr": "10.1.1.1",
        "status": "200",
        "request_time": "0.004",
    }
    path.write_text(json.dumps(line) + "\n")
    bare = read_logs(path)
    assert bare.requests.epoch.isoformat() == "2026-09-01T10:00:00+00:00"
    assert any("add $http_cookie" in note for note in bare.notes)


def test_haproxys_manual_is_read() -> None:
    """The example of HAProxy's manual, and a request that no server got."""
    read = BY_NAME["haproxy"].of_text
    assert read is not None
    example = (
        "Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 "
        '10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"'
    )
    record = read(example)
    assert (record.pod, record.status, record.took_s, record.gateway) == ("srv1", 200, 0.109, "localhost")
    assert record.service_s == pytest.approx(0.069)
    assert record.sent_s == pytest.approx(1233922454.655)
    nobody = read(example.replace("static/srv1 10/0/30/69/109 200", "static/<NOSRV> 10/-1/-1/-1/109 503"))
    assert (nobody.pod, nobody.status, nobody.attempts) == ("", 503, 0)
    assert math.isnan(nobody.service_s)


def test_envoys_own_answers_are_no_pods() -> None:
    """A response flag says that Envoy answered, whatever host it tried."""
    read = BY_NAME["envoy-json"].of_object
    assert read is not None
    request = traffic(5)[0]
    line = json.loads(writers.envoy(request))
    assert read(line).pod == request.pod
    assert read(line | {"response_flags": "UF,URX", "response_code": 503}).pod == ""
    assert read(line | {"response_code": 503}).pod == request.pod, "the pod's own 503"


def test_lines_of_sidecars_are_left_out_and_said(tmp_path: Path) -> None:
    """The same request stands in the gateway's log and in the sidecar's of its pod; it happened once."""
    made = traffic(50)
    path = tmp_path / "istio.log"
    path.write_text(writers.text(made, writers.envoy) + writers.text(made, partial(writers.envoy, inbound=True)))
    log = read_logs(path)
    assert len(log.requests) == len(made)
    assert log.others == len(made)
    assert any("sidecars were left out" in note for note in log.notes)
    assert any("have no cookies" in note for note in log.notes)


def test_the_epoch_is_utc_whatever_the_zone_of_the_lines(tmp_path: Path) -> None:
    """A log in local time is the same log."""
    made = traffic(50)
    path = tmp_path / "access.log"
    path.write_text(writers.text(made, writers.combined).replace(" +0000]", " +0200]"))
    log = read_logs(path)
    assert log.requests.epoch.timestamp() + 7200 == pytest.approx(BEGIN_S, abs=120)


def test_the_page_lists_every_format() -> None:
    """Protects a reader of docs/logs.md from a format that it does not name, or that there is not."""
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    table = page.partition("## Formats")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == sorted(BY_NAME)
