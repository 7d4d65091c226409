"""Who arrives and what they do: sessions, their requests, cookies, and what clients do after a failure."""

from itertools import pairwise
from math import cos, isclose, isfinite, pi
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from simsticky.scenario.connections import Connections
from simsticky.scenario.distributions import (
    Constant,
    CountLaw,
    Exponential,
    Geometric,
    Law,
)
from simsticky.scenario.fields import Duration, Rate, Section, Share, UrlPath, Whole
from simsticky.scenario.lognormal import Lognormal, as_lognormal
from simsticky.scenario.problems import Problem, refuse
from simsticky.scenario.requests import Cookies, Identifiers, OtherUpstream, PathShare, uneven
from simsticky.scenario.traffic_units import duration_of, filled_by, mean_requests
from simsticky.units import format_duration, format_rate


class Poisson(Section):
    """Sessions start as a Poisson process of constant rate."""

    kind: Literal["poisson"] = "poisson"
    rate: Rate
    """New sessions per time."""

    @property
    def start_rate(self) -> float:
        """New sessions per second at 0."""
        return self.rate


class Step(Section):
    """From a time on, sessions start at this rate."""

    from_s: Duration = Field(alias="from")
    """When the step begins, in seconds of model time."""
    rate: Rate
    """New sessions per time."""


class Piecewise(Section):
    """Sessions start as a Poisson process whose rate is constant between steps."""

    kind: Literal["piecewise"] = "piecewise"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    """The steps, the first from 0s, ascending."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        problems = []
        if self.steps[0].from_s != 0:
            problems.append(Problem(("steps", 0, "from"), "the first step must begin at 0s"))
        problems += [
            Problem(("steps", i + 1, "from"), "each step must begin after the one before it")
            for i, (before, after) in enumerate(pairwise(self.steps))
            if after.from_s <= before.from_s
        ]
        refuse("Piecewise", problems)
        return self

    @property
    def start_rate(self) -> float:
        """New sessions per second at 0."""
        return self.steps[0].rate


class Diurnal(Section):
    """A Poisson process of rate mean * (1 + amplitude * cos(2 pi (t - peakAt) / period))."""

    kind: Literal["diurnal"] = "diurnal"
    mean: Rate
    """Mean number of new sessions per time over a period."""
    amplitude: Share
    """Half the swing as a share of the mean, between 0 and 1."""
    period: Annotated[Duration, Field(gt=0)] = 86400.0
    """Length of the cycle."""
    peak_at: Duration = 0.0
    """Model time of a maximum."""

    @property
    def start_rate(self) -> float:
        """New sessions per second at 0."""
        return self.mean * (1.0 + self.amplitude * cos(2.0 * pi * self.peak_at / self.period))


class Closed(Section):
    """A fixed number of clients, each starting its next session a pause after the last one ended."""

    kind: Literal["closed"] = "closed"
    population: Annotated[Whole, Field(ge=1, le=10_000_000)]
    """Number of clients."""
    pause: Law = Constant(value=0.0)
    """Pause between a client's sessions."""


Arrivals = Annotated[Poisson | Piecewise | Diurnal | Closed, Field(discriminator="kind")]


class OnFailure(Section):
    """What a client does after a failed request."""

    action: Literal["continue", "retry", "abandon"] = "continue"
    """Count it as one of the session's requests and think; send it again; or end the session."""
    backoff: Law = Constant(value=1.0)
    """Wait before each new attempt; for ``retry``."""
    max_attempts: Annotated[Whole, Field(ge=1, le=1000)] = 3
    """Attempts for one request in all, the first included; for ``retry``."""


def _endless_or_law(value: Any) -> str:
    return "endless" if isinstance(value, str) and value == "endless" else "law"


RequestCount = Annotated[
    Annotated[Literal["endless"], Tag("endless")] | Annotated[CountLaw, Tag("law")],
    Discriminator(_endless_or_law),
]
"""Requests of a session: a law, or ``endless`` (closed populations only)."""


def _table_as_text(value: Any) -> Any:
    """Write a DataFrame as the CSV that it stands for; its floats are read back as they were."""
    return value.to_csv(index=False) if hasattr(value, "to_csv") else value


TraceSource = Annotated[str, BeforeValidator(_table_as_text)]
"""The path of a CSV file, or its text."""


def is_inline(trace: str) -> bool:
    """Return whether a trace is the CSV itself and not the path of a file: it has more than one line."""
    return "\n" in trace


_LAW_OF_THE_TRACE = ("sessions", "requests", "think", "service", "session_duration", "client_rate", "rps", "session")


def _of_two_numbers(value: Any) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        raise ValueError(f"how long sessions last takes two numbers, {_SESSION_EXAMPLE}")
    return as_lognormal(value)


_SESSION_EXAMPLE = "for example {p50: 6m, p95: 40m} or {mean: 10m, cv: 1.5}"

SessionLength = Annotated[Lognormal, BeforeValidator(_of_two_numbers)]
"""How long a session lasts: a lognormal, by two quantiles, or by mean and cv."""


_MEAN_TOLERANCE = 1e-3
"""How far the mean of clients' rates may be from 1: laws may be stated by other parameters, rounded."""


class Traffic(Section):
    """The sessions: drawn from laws, or read from a trace."""

    rps: Annotated[Rate, Field(gt=0)] | None = None
    """Instead of ``sessions``: requests per time, of all sessions together; as many sessions start per time as make
    that many (rule W11). Retries come on top."""
    session: SessionLength | None = None
    """Instead of ``requests`` or ``sessionDuration``: how long a session lasts from its first request to its last
    answer, as a log shows it, by two quantiles or by mean and cv (rule W10)."""
    sessions: Arrivals = Poisson(rate=1.0)
    """When sessions start."""
    requests: RequestCount = Geometric(mean=10)
    """Number of requests of a session; has no meaning beside ``sessionDuration`` or ``trace``."""
    think: Law = Exponential(mean=7)
    """From the end of a request to the sending of the next."""
    client_rate: Law | None = None
    """How fast a session's client is, of mean 1: its thinks are divided by its own draw, so that few heavy users make
    many of the requests. Of a closed population each client keeps its rate. All alike, if left out."""
    session_duration: Law | None = None
    """Instead of ``requests``: a session sends requests until this time after its first has passed."""
    service: Law = Lognormal(median=0.050, sigma=0.6)
    """Time a pod works on a request."""
    idempotent: Share = 0.0
    """Share of requests whose method nginx holds for idempotent (GET, HEAD, PUT, DELETE): only those are sent again
    after a reset or a read timeout; the others (POST, LOCK, PATCH) only if nothing of them was sent yet."""
    tabs: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """Concurrent tabs of one session; its requests are dealt out among them."""
    connections: Connections = Connections()
    """Whether each request has a connection of its own, or a session one for all its requests."""
    cookies: Cookies = Cookies()
    """What clients do with cookies."""
    other_upstream: OtherUpstream | None = None
    """A second upstream that the same clients call and that uses the same cookie name."""
    path: UrlPath = "/"
    """Path that clients request, as they see it; cookie paths are matched against it."""
    paths: tuple[PathShare, ...] = ()
    """Instead of ``path``: several paths, one drawn for each request."""
    identifiers: Identifiers = Identifiers()
    """What requests bring for consistent hashing."""
    on_failure: OnFailure = OnFailure()
    """What a client does after a failed request."""
    trace: TraceSource | None = None
    """Instead of the laws: a CSV file with the columns session,start_s,request,think_s,service_s, and if known key
    (what the session is hashed by), cookie (whether its client keeps cookies) and idempotent (whether nginx may send
    the request again). Or the CSV itself, a text of several lines; in Python a pandas DataFrame."""

    @model_validator(mode="after")
    def _exclusions(self) -> Self:
        given = self.model_fields_set
        problems = self._two_ways()
        if self.session is not None:
            given.add("think")  # what fills a session is part of what was stated of it, also by its default
        endless = self.requests == "endless" and self.session_duration is None and self.trace is None
        if endless and self.sessions.kind != "closed":
            problems.append(
                Problem(
                    ("requests",),
                    "endless sessions need a closed population, an open arrival process would pile them up",
                    "write sessions: {kind: closed, population: 100}",
                )
            )
        if self.client_rate is not None and abs(self.client_rate.mean - 1.0) > _MEAN_TOLERANCE:
            text = f"has mean {self.client_rate.mean:g}, and must have 1: traffic.think is the mean client's"
            problems.append(Problem(("clientRate",), text, "for example {kind: gamma, mean: 1, cv: 2}"))
        if self.requests != "endless" and self.requests.mean < 1:
            problems.append(Problem(("requests",), "a session has at least one request"))
        if self.paths and "path" in given:
            problems.append(Problem(("paths",), "traffic.path and traffic.paths exclude each other", "keep one"))
        problems += uneven(self.paths)
        problems += self._held_connections()
        problems += self._endless_instant()
        refuse("Traffic", problems)
        return self

    @model_validator(mode="after")
    def _resolved_units(self) -> Self:
        """Work out the laws that ``session`` and ``rps`` stand for (rules W10 and W11); they hold beside them.

        A resolved scenario that is read back states both: the same laws again are no contradiction.
        """
        given = self.model_fields_set
        if self.session is not None:
            duration = self._duration()
            if "session_duration" in given and not _alike(duration, self.session_duration):
                text = f"traffic.session comes to another sessionDuration, of mean {format_duration(duration.mean)}"
                refuse("Traffic", [Problem(("session",), text, "keep one of the two")])
            self.__dict__["session_duration"] = duration
        if self.rps is not None:
            arrivals = Poisson(rate=self.rps / self._mean_requests())
            if "sessions" in given and not _alike(arrivals, self.sessions):
                text = f"traffic.rps comes to other sessions: {format_rate(arrivals.rate)} of them start"
                refuse("Traffic", [Problem(("rps",), text, "keep one of the two")])
            self.__dict__["sessions"] = arrivals
        return self

    def _duration(self) -> Lognormal:
        assert self.session is not None
        if self.think.is_zero or not isfinite(self.think.sd):
            text = "beside traffic.session it must take time, and vary by a finite amount"
            refuse("Traffic", [Problem(("think",), text, "for example {kind: exponential, mean: 7s}")])
        found = duration_of(self.session, self.think, self.service)
        if found is None:
            answers = format_duration(round(filled_by(self.think).extra * self.service.mean, 6))
            text = f"sessions so short do not last as long as their first and last answers take, about {answers}"
            refuse("Traffic", [Problem(("session",), text, "lengthen it, or shorten traffic.service")])
        assert found is not None
        return found

    def _mean_requests(self) -> float:
        """Return the mean number of requests of a session (rule W11)."""
        law = self.session_duration
        if law is None:
            assert not isinstance(self.requests, str)  # endless sessions are of a closed population
            return mean_requests(self.requests)
        if "think" not in self.model_fields_set:
            return 2.0
        if self.think.is_zero or not isfinite(self.think.sd):
            text = "beside traffic.rps it must take time, and vary by a finite amount"
            refuse("Traffic", [Problem(("think",), text, "for example {kind: exponential, mean: 7s}")])
        return filled_by(self.think).requests(law.mean)

    def _two_ways(self) -> list[Problem]:
        """Return where the same is stated in two ways."""
        given = self.model_fields_set
        if self.trace is not None:
            return [
                Problem((_camel(name),), f"traffic.{_camel(name)} and traffic.trace exclude each other")
                for name in _LAW_OF_THE_TRACE
                if name in given and getattr(self, name) is not None
            ]
        problems = []
        if self.rps is not None and "sessions" in given and not isinstance(self.sessions, Poisson):
            text = f"traffic.rps is a constant rate, traffic.sessions is {self.sessions.kind}: they exclude each other"
            problems.append(Problem(("rps",), text, "keep one"))
        length = "session" if self.session is not None else "sessionDuration"
        if "requests" in given and (self.session is not None or self.session_duration is not None):
            problems.append(
                Problem(
                    (length,),
                    f"traffic.requests and traffic.{length} exclude each other",
                    "keep one: a session ends after a number of requests, or after a duration",
                )
            )
        return problems

    def _endless_instant(self) -> list[Problem]:
        """Return what is wrong with a closed population that does all in no time: the clock would stand still."""
        if self.trace is not None or not isinstance(self.sessions, Closed) or not self.service.is_zero:
            return []
        endless = self.requests == "endless"
        one_request = not isinstance(self.requests, str) and self.requests.mean == 1 and self.session_duration is None
        if not (one_request or self.think.is_zero) or not (endless or self.sessions.pause.is_zero):
            return []
        text = "sessions of a closed population that take no time follow one another without end at one instant"
        return [Problem(("sessions",), text, "state a pause, a think time or a service time above 0")]

    def _held_connections(self) -> list[Problem]:
        """Return what long-lived connections exclude."""
        problems = []
        if self.connections.long_lived and self.tabs > 1:
            text = "traffic.tabs and long-lived connections exclude each other: a session has one connection"
            problems.append(Problem(("tabs",), text, "take each tab for a session of its own"))
        if self.connections.long_lived and self.on_failure.action != "continue":
            text = "a message that is lost with its connection is not sent again, and connects have a rule of their own"
            problems.append(Problem(("onFailure", "action"), text, "state connections.reconnect, leave onFailure out"))
        return problems

    @property
    def path_shares(self) -> tuple[PathShare, ...]:
        """The paths that clients request, each with its share: ``paths``, or the one ``path``."""
        return self.paths or (PathShare(path=self.path, share=1.0),)

    @model_serializer(mode="wrap")
    def _only_what_counts(self, dump: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        written: dict[str, Any] = dump(self)
        unused: tuple[str, ...] = ("path",) if self.paths else ()
        if self.trace is not None:
            unused += _LAW_OF_THE_TRACE
        elif self.session_duration is not None:
            unused += ("requests",) if "think" in self.model_fields_set else ("requests", "think")
        unused += tuple(name for name in ("rps", "session") if getattr(self, name) is None)
        if info.exclude_unset:
            unused += ("sessions",) if self.rps is not None else ()
            unused += ("session_duration",) if self.session is not None else ()
        for name in unused:
            written.pop(name, None)
            written.pop(_camel(name), None)
        return written


def _alike(one: Section | Lognormal, other: Section | Law | None) -> bool:
    """Return whether two laws are the same but for the last digits of their numbers."""
    if other is None or type(one) is not type(other):
        return False
    numbers, others = one.model_dump(mode="json"), other.model_dump(mode="json")
    if numbers.keys() != others.keys() or numbers["kind"] != others["kind"]:
        return False
    return all(isclose(numbers[key], others[key], rel_tol=1e-9) for key in numbers if key != "kind")


def _camel(name: str) -> str:
    return Traffic.model_fields[name].alias or name
