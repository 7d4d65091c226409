"""Made-up traffic with a known truth, for logs in any format: clients, sessions, pods that come and go."""

import bisect
import hashlib
import random
import uuid
from dataclasses import dataclass, field

BEGIN_S = 1_788_256_800.0
"""2026-09-01 10:00:00 UTC."""

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605",
    'Mozilla/5.0 (Windows NT 10.0; "Win64"; x64; rv:142.0) Gecko/20100101 Firefox/142.0',
)


@dataclass
class Request:
    """One request as it was.

    Times are seconds since 1970. Cookies are values, empty for none: ``sticky`` names the target, ``app`` the
    application's session; ``_in`` came with the request, ``_out`` was set by the answer.
    """

    sent_s: float
    took_s: float
    service_s: float
    session: int
    pod: str
    status: int
    gateway: str
    client: str
    agent: str
    sticky_in: str = ""
    sticky_out: str = ""
    app_in: str = ""
    app_out: str = ""
    consumer: str = ""
    refused: tuple[str, ...] = ()
    """Addresses of pods that were tried in vain before."""

    @property
    def end_s(self) -> float:
        return self.sent_s + self.took_s


@dataclass
class Pods:
    """Which pods are listed when: a change at each moment, in order of time; until ``gone`` the old ones answer."""

    changes: list[tuple[float, list[str]]]
    gone: dict[str, float] = field(default_factory=dict)

    def at(self, moment_s: float) -> list[str]:
        place = bisect.bisect_right(self.changes, moment_s, key=lambda change: change[0]) - 1
        return self.changes[place][1]

    def serves(self, pod: str, moment_s: float) -> bool:
        return moment_s < self.gone.get(pod, float("inf"))


def address(generation: int, number: int) -> str:
    return f"10.244.{generation}.{10 + number}:8080"


def pods_of(count: int, rollouts_s: tuple[float, ...], *, step_s: float = 20.0, drain_s: float = 60.0) -> Pods:
    """Return pods that are all replaced, one every ``step_s``, beginning at each of the moments (after BEGIN_S)."""
    listed = [address(0, number) for number in range(count)]
    pods = Pods([(BEGIN_S - 1e9, list(listed))])
    for generation, begin in enumerate(rollouts_s, start=1):
        for number in range(count):
            moment = BEGIN_S + begin + number * step_s
            pods.gone[listed[number]] = moment + drain_s
            listed[number] = address(generation, number)
            pods.changes.append((moment, list(listed)))
    return pods


def target_cookie(pod: str) -> str:
    return str(uuid.UUID(hashlib.md5(pod.encode()).hexdigest()))


def traffic(
    sessions: int = 400,
    *,
    seed: int = 1,
    length_s: float = 3600.0,
    pods: Pods | None = None,
    gateways: int = 2,
    requests: float = 6.0,
    think_s: float = 10.0,
    cookieless: float = 0.0,
    addresses: int | None = None,
) -> list[Request]:
    """Return requests in order of time, all that were sent within the length.

    Sessions begin as a Poisson stream from before the log on, have a geometric number of requests and exponential
    pauses. The gateway's cookie names the target; a pod sets ``app`` where none it knows came.

    Args:
        sessions: About how many begin within the log.
        seed: Of the luck.
        length_s: Of the log.
        pods: Which there are; three that stay by default.
        gateways: Each request meets any of them.
        requests: Mean number of requests of a session.
        think_s: Mean pause.
        cookieless: Share of the clients without a cookie jar.
        addresses: How many clients' addresses there are; one a session by default.
    """
    luck = random.Random(seed)
    pods = pods or pods_of(3, ())
    before_s = 20 * requests * think_s
    rate = sessions / length_s
    found: list[Request] = []
    start, number = BEGIN_S - before_s, 0
    while True:
        start += luck.expovariate(rate)
        if start >= BEGIN_S + length_s:
            break
        client = luck.randrange(addresses) if addresses else number
        jar = luck.random() >= cookieless
        found += _session(luck, start, number, client, jar, pods, gateways, requests, think_s)
        number += 1
    inside = [each for each in found if BEGIN_S <= each.sent_s < BEGIN_S + length_s]
    return sorted(inside, key=lambda each: each.sent_s)


def _session(
    luck: random.Random,
    start: float,
    number: int,
    client: int,
    jar: bool,
    pods: Pods,
    gateways: int,
    requests: float,
    think_s: float,
) -> list[Request]:
    ip = f"203.0.{client // 250 % 250}.{client % 250 + 1}"
    agent = AGENTS[client % len(AGENTS)]
    moment, sticky, app, home, found = start, "", "", "", []
    while True:
        pod = home if sticky and jar and (home in pods.at(moment) or pods.serves(home, moment)) else ""
        picked = not pod
        pod = pod or luck.choice(pods.at(moment))
        service = 0.02 + luck.expovariate(1 / 0.03)
        mine = bool(app) and jar and pod == home
        request = Request(
            moment, service + 0.002, service, number, pod, 200, f"kong-{luck.randrange(gateways) + 1}", ip, agent,
            sticky if jar else "", target_cookie(pod) if picked else "",
            app if jar else "", "" if mine else f"{luck.getrandbits(128):032X}",
        )  # fmt: skip
        found.append(request)
        sticky, app, home = request.sticky_out or sticky, request.app_out or app, pod
        moment = request.end_s + luck.expovariate(1 / think_s)
        if luck.random() < 1 / requests:
            return found
