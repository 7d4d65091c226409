"""Clients with a cookie jar each, which send the sessions of a plan through a proxy on loopback."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from sessions import Plan


@dataclass
class Answers:
    """What the clients saw.

    Attributes:
        requests: How many were sent.
        errors: Those that brought no answer, or one of 500 and above.
        lag_s: How late each was sent, against the plan: the machine's share in what is measured.
    """

    requests: int = 0
    errors: int = 0
    lag_s: list[float] = field(default_factory=list)


async def send_all(plans: Sequence[Plan], port: int, started_s: float) -> Answers:
    """Send every session of the plan; ``started_s`` is the moment of the monotonic clock that the plan calls 0.

    Each session comes from an address of its own in 127.0.0.0/8, as if from a house of its own.
    """
    answers = Answers()
    await asyncio.gather(*(_session(number, plan, port, started_s, answers) for number, plan in enumerate(plans)))
    return answers


async def _session(number: int, plan: Plan, port: int, started_s: float, answers: Answers) -> None:
    jar: SimpleCookie = SimpleCookie()
    address = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
    await _until(started_s + plan.start_s, answers)
    for request, (think_s, service_s) in enumerate(zip(plan.thinks_s, plan.services_s, strict=True)):
        if request:
            await _until(time.monotonic() + think_s, answers)
        answers.requests += 1
        status = await _request(jar, service_s, address, port)
        answers.errors += status == 0 or status >= 500


async def _until(moment_s: float, answers: Answers) -> None:
    await asyncio.sleep(max(0.0, moment_s - time.monotonic()))
    answers.lag_s.append(time.monotonic() - moment_s)


async def _request(jar: SimpleCookie, service_s: float, address: str, port: int) -> int:
    """Send one request on a connection of its own and keep its cookies; return the status, 0 if there is none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    except OSError:
        return 0
    try:
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())
        sent = (
            f"GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nX-Service: {service_s:.6f}\r\nConnection: close\r\n"
        )
        writer.write((sent + (f"Cookie: {cookie}\r\n" if cookie else "") + "\r\n").encode())
        answer = (await reader.read()).decode("latin-1")
    except OSError:
        return 0
    finally:
        writer.close()
    head = answer.partition("\r\n\r\n")[0].split("\r\n")
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            jar.load(value.strip())
    return int(head[0].split()[1]) if head[0].startswith("HTTP/") else 0
