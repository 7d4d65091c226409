"""Logs of made-up traffic, format by format, after the documentation of each gateway; they know nothing of readers."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from logs.traffic import Request


def _cookies(request: Request) -> str:
    pairs = [("_ga", f"GA1.2.{abs(hash(request.client)) % 10**9}.{request.session}")] if request.app_in else []
    pairs += [("session_id", request.sticky_in), ("JSESSIONID", request.app_in), ("lang", "de")]
    return "; ".join(f"{name}={value}" for name, value in pairs if value)


def _set_cookies(request: Request) -> list[str]:
    found = [f"JSESSIONID={request.app_out}; Path=/; HttpOnly"] if request.app_out else []
    return found + ([f"session_id={request.sticky_out}; Path=/"] if request.sticky_out else [])


def kong_object(request: Request, *, source: bool = True, padding: int = 0) -> dict[str, Any]:
    """Return what ``pdk/log.lua`` serialises; ``source`` and ``receive`` are there since 3.6."""
    tries = [
        {"ip": pod.partition(":")[0], "port": int(pod.partition(":")[2]), "state": "failed", "code": 502}
        for pod in request.refused
    ]
    if request.pod:
        ip, _, port = request.pod.partition(":")
        tries.append({"ip": ip, "port": int(port), "balancer_start": int(request.sent_s * 1000), "balancer_latency": 0})
    set_cookies = _set_cookies(request)
    served = bool(request.pod)
    proxy = round(request.service_s * 1000) if served else -1
    headers = {"host": "shop.example", "user-agent": request.agent, "accept": "*/*"}
    if cookies := _cookies(request):
        headers["cookie"] = cookies
    if padding:
        headers["x-padding"] = "x" * padding
    line: dict[str, Any] = {
        "latencies": {"request": round(request.took_s * 1000), "kong": 2, "proxy": proxy},
        "service": {"host": "web.shop.80.svc", "name": "shop.web.80", "retries": 5},
        "request": {
            "id": f"{request.session:08x}", "method": "GET", "uri": "/cart?id=1", "url": "https://shop.example/cart",
            "size": 431, "querystring": {"id": "1"}, "headers": headers,
        },
        "client_ip": request.client,
        "tries": tries,
        "upstream_uri": "/cart?id=1",
        "upstream_status": str(request.status),
        "response": {
            "status": request.status, "size": 1024,
            "headers": {"content-type": "text/html"}
            | ({"set-cookie": set_cookies if len(set_cookies) > 1 else set_cookies[0]} if set_cookies else {}),
        },
        "started_at": int(request.sent_s * 1000),
        "workspace": "f0a2c1", "workspace_name": "default",
    }  # fmt: skip
    if source:
        line["source"] = "upstream" if served else "kong"
        line["latencies"]["receive"] = 0
    if request.consumer:
        line["consumer"] = {"id": f"c-{request.consumer}", "username": request.consumer}
    return line


def kong(request: Request, **how: Any) -> str:
    return json.dumps(kong_object(request, **how), separators=(",", ":"))


def combined(request: Request) -> str:
    moment = _clf(request.end_s)
    agent = request.agent.replace('"', "\\x22")
    return (
        f'{request.client} - - [{moment}] "GET /cart?id=1 HTTP/2.0" {request.status} 1024 "-" "{agent}" '
        'kong_request_id: "7d9a"'
    )


def ingress_nginx(request: Request) -> str:
    moment, agent = _clf(request.end_s), request.agent.replace('"', "\\x22")
    tried = [*request.refused, *([request.pod] if request.pod else [])]
    many = len(request.refused)
    lengths = ", ".join(["0"] * many + (["1024"] if request.pod else []))
    services = ", ".join(["0.000"] * many + ([f"{request.service_s:.3f}"] if request.pod else []))
    statuses = ", ".join(["502"] * many + ([str(request.status)] if request.pod else []))
    return (
        f'{request.client} - - [{moment}] "GET /cart HTTP/1.1" {request.status} 1024 "-" "{agent}" 431 '
        f"{request.took_s:.3f} [shop-web-80] [] {', '.join(tried) or '-'} {lengths or '-'} {services or '-'} "
        f"{statuses or '-'} 3f1c9e"
    )


def haproxy(request: Request, *, verdict: str = "") -> str:
    """Return a line with ``capture cookie session_id``: HAProxy's own letters, D where the cookie's server is gone."""
    when = datetime.fromtimestamp(request.sent_s, UTC)
    moment = when.strftime("%d/%b/%Y:%H:%M:%S.") + f"{when.microsecond // 1000:03}"
    letter = verdict or ("N" if not request.sticky_in else "D" if request.sticky_out else "V")
    ends = f"--{letter}{'I' if request.sticky_out else '-'}"
    total, answer = round(request.took_s * 1000), round(request.service_s * 1000)
    timers = f"1/0/1/{answer}/{total}" if request.pod else f"1/0/-1/-1/{total}"
    server = request.pod or "<NOSRV>"
    came = f"session_id={request.sticky_in}" if request.sticky_in else "-"
    given = f"session_id={request.sticky_out}" if request.sticky_out else "-"
    return (
        f"{when.strftime('%b %e %H:%M:%S')} {request.gateway} haproxy[14389]: {request.client}:33317 [{moment}] "
        f"http-in shop/{server} {timers} {request.status} 2750 {came} {given} {ends} 1/1/1/1/{len(request.refused)} "
        f'0/0 {{{request.agent}}} "GET /cart HTTP/1.1"'
    )


def envoy(request: Request, *, cookies: bool = False, inbound: bool = False) -> str:
    """Return Istio's JSON; ``cookies`` adds the two fields that hold them."""
    line: dict[str, Any] = {
        "authority": "shop.example", "bytes_received": 0, "bytes_sent": 1024, "connection_termination_details": None,
        "downstream_local_address": "10.244.9.9:8443", "downstream_remote_address": f"{request.client}:51234",
        "duration": round(request.took_s * 1000), "method": "GET", "path": "/cart", "protocol": "HTTP/2",
        "request_id": "5d8a", "requested_server_name": "shop.example", "response_code": request.status,
        "response_code_details": "via_upstream", "response_flags": "-" if request.pod else "UF,URX",
        "route_name": None, "start_time": _iso(request.sent_s, 3),
        "upstream_cluster": "inbound|8080||" if inbound else "outbound|80||web.shop.svc.cluster.local",
        "upstream_host": request.pod or "10.244.0.99:8080", "upstream_local_address": "10.244.9.9:40112",
        "upstream_service_time": str(round(request.service_s * 1000)) if request.pod else None,
        "upstream_transport_failure_reason": None, "user_agent": request.agent, "x_forwarded_for": request.client,
    }  # fmt: skip
    if cookies:
        line |= {"cookie": _cookies(request) or None, "set_cookie": ", ".join(_set_cookies(request)) or None}
    return json.dumps(line)


def traefik(request: Request, *, headers: bool = True) -> str:
    line: dict[str, Any] = {
        "ClientAddr": f"{request.client}:51234", "ClientHost": request.client, "ClientPort": "51234",
        "ClientUsername": "-", "DownstreamContentSize": 1024, "DownstreamStatus": request.status,
        "Duration": round(request.took_s * 1e9), "OriginContentSize": 1024,
        "OriginDuration": round(request.service_s * 1e9), "OriginStatus": request.status, "Overhead": 2_000_000,
        "RequestMethod": "GET", "RequestPath": "/cart", "RetryAttempts": len(request.refused),
        "RouterName": "shop@kubernetes", "ServiceAddr": request.pod, "ServiceName": "shop-web-80@kubernetes",
        "StartLocal": _iso(request.sent_s, 9), "StartUTC": _iso(request.sent_s, 9), "entryPointName": "websecure",
        "level": "info", "msg": "", "time": _iso(request.end_s, 0),
    }  # fmt: skip
    if headers:
        line["request_User-Agent"] = request.agent
        if cookies := _cookies(request):
            line["request_Cookie"] = cookies
        if set_cookies := _set_cookies(request):
            line["downstream_Set-Cookie"] = ", ".join(set_cookies)
    return json.dumps(line)


def aws_alb(request: Request) -> str:
    agent = request.agent.replace('"', "\\x22")
    parts = f"0.001 {request.service_s:.3f} 0.001" if request.pod else "-1 -1 -1"
    target = request.pod or "-"
    of_target = request.status if request.pod else "-"
    return (
        f"h2 {_iso(request.end_s, 6)} app/shop/50dc6c495c0c9188 {request.client}:51234 {target} {parts} "
        f'{request.status} {of_target} 431 1024 "GET https://shop.example:443/cart HTTP/2.0" "{agent}" '
        "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:1234:targetgroup/shop/73e2 "
        f'"Root=1-58337364-23a8c76965a2ef7629b185e3" "shop.example" "session-reused" 0 {_iso(request.sent_s, 6)} '
        f'"forward" "-" "-" "{target}" "{of_target}" "-" "-" TID_dc57'
    )


def nginx_sticky(request: Request) -> str:
    """Return the recommended text format, with ``$cookie_session_id``."""
    tried = [*request.refused, *([request.pod] if request.pod else [])]
    services = ["0.000"] * len(request.refused) + ([f"{request.service_s:.3f}"] if request.pod else [])
    given = f"session_id={request.sticky_out}; Path=/" if request.sticky_out else "-"
    return (
        f"{request.end_s:.3f} {request.took_s:.3f} {', '.join(services) or '-'} {', '.join(tried) or '-'} "
        f"{request.status} {request.sticky_in or '-'} {given}"
    )


def nginx_json(request: Request, *, one_by_one: bool = False) -> str:
    """Return nginx's JSON, with the whole ``Cookie`` header or two cookies of it."""
    tried = [*request.refused, *([request.pod] if request.pod else [])]
    services = ["0.000"] * len(request.refused) + ([f"{request.service_s:.3f}"] if request.pod else [])
    line = {
        "msec": f"{request.end_s:.3f}", "remote_addr": request.client, "request": "GET /cart HTTP/1.1",
        "status": str(request.status), "body_bytes_sent": "1024", "request_time": f"{request.took_s:.3f}",
        "upstream_addr": ", ".join(tried) or "-", "upstream_response_time": ", ".join(services) or "-",
        "http_user_agent": request.agent, "sent_http_set_cookie": ", ".join(_set_cookies(request)),
    }  # fmt: skip
    if one_by_one:
        line |= {"cookie_session_id": request.sticky_in, "cookie_JSESSIONID": request.app_in}
    else:
        line["http_cookie"] = _cookies(request)
    return json.dumps(line)


def traefik_text(request: Request) -> str:
    return (
        f'{request.client} - - [{_clf(request.sent_s)}] "GET /cart HTTP/2.0" {request.status} 1024 "-" '
        f'"{request.agent.replace(chr(34), "")}" 17 "shop@kubernetes" "http://{request.pod}" '
        f"{round(request.took_s * 1000)}ms"
    )


def _clf(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def _iso(moment_s: float, digits: int) -> str:
    when = datetime.fromtimestamp(moment_s, UTC)
    fraction = f".{round((moment_s % 1) * 1e9):09}"[: digits + 1] if digits else ""
    return when.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


# Envelopes ------------------------------------------------------------------------------------------------------------


def cri(line: str, request: Request, *, piece: int = 0) -> str:
    """Return a line as containerd writes it; ``piece`` bytes each where it is cut, with P on all but the last."""
    prefix = f"{_iso(request.end_s, 9)} stdout"
    pieces = [line[at : at + piece] for at in range(0, len(line), piece)] if piece else [line]
    return "\n".join(f"{prefix} {'F' if part is pieces[-1] else 'P'} {part}" for part in pieces)


def docker(line: str, request: Request, *, piece: int = 0) -> str:
    """Return a line as Docker's json-file driver writes it; only the last of its pieces has the line's end."""
    pieces = [line[at : at + piece] for at in range(0, len(line), piece)] if piece else [line]
    return "\n".join(
        json.dumps(
            {"log": part + ("\n" if part is pieces[-1] else ""), "stream": "stdout", "time": _iso(request.end_s, 9)}
        )
        for part in pieces
    )


def fluent_bit(line: str, request: Request) -> str:
    labels = {"pod_name": request.gateway, "namespace_name": "kong", "container_name": "proxy", "host": "node-1"}
    return json.dumps({"date": request.end_s, "stream": "stdout", "log": line, "kubernetes": labels})


def fluent_bit_merged(line: str, request: Request) -> str:
    labels = {"pod_name": request.gateway, "namespace_name": "kong"}
    return json.dumps({"date": request.end_s, "log_processed": json.loads(line), "kubernetes": labels})


def logcli_jsonl(line: str, request: Request) -> str:
    return json.dumps({"labels": {"pod": request.gateway}, "line": line, "timestamp": _iso(request.end_s, 9)})


def logcli(line: str, request: Request) -> str:
    return f'{_iso(request.end_s, 0)} {{app="kong", pod="{request.gateway}"}} {line}'


def kubectl(line: str, request: Request) -> str:
    return f"[pod/{request.gateway}/proxy] {line}"


def loki_answer(lines: Iterable[tuple[str, Request]]) -> str:
    """Return the answer of Loki's ``query_range``, one stream a gateway."""
    streams: dict[str, list[list[str]]] = {}
    for line, request in lines:
        streams.setdefault(request.gateway, []).append([str(int(request.end_s * 1e9)), line])
    result = [{"stream": {"pod": gateway}, "values": values} for gateway, values in streams.items()]
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}})


def text(requests: Iterable[Request], write: Callable[[Request], str] = kong) -> str:
    """Return a log: one line each, in the order in which the requests ended."""
    return "".join(f"{write(each)}\n" for each in sorted(requests, key=lambda each: each.end_s))
