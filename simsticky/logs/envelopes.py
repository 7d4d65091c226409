r"""What carries a gateway's line: container runtimes, kubectl, Fluent Bit, Loki; taken off until the line is bare.

- CRI: ``2026-09-01T10:00:00.123456789Z stdout F line``; P instead of F marks a piece of a line.
- Docker: ``{"log": "line\n", "stream": "stdout", "time": "..."}``; a piece has no line end.
- kubectl: ``[pod/kong-7c/proxy] line`` (``--prefix``), and a moment before the line (``--timestamps``).
- Fluent Bit, Fluentd, Vector: an object with the line, or the parsed line, in one of its fields.
- Loki: logcli's ``default`` and ``jsonl`` output, and the answers of its API.
"""

import re
from collections.abc import Iterator
from typing import Any

from simsticky.logs.json_lines import loads, loads_anyhow

Bare = tuple[dict[str, Any] | bytes, str]
"""An object or a line of text, and the gateway that the envelope names (empty: none)."""

_CRI = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::\S*)? (.*)", re.DOTALL)
_KUBECTL = re.compile(rb"\[pod/([^/\]]+)(?:/[^\]]*)?\] (.*)", re.DOTALL)
_LOGCLI = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)\s+(\{[^{}:]*=\"[^{}]*\}|\{\})\s+(.*)", re.DOTALL)
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?=[\[{\d])(.*)", re.DOTALL)
_LABEL = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')

_FIELDS = ("log_processed", "log", "message", "line", "body", "jsonPayload", "textPayload")
"""Where collectors put the line or what they parsed of it."""
_NODES = ("pod_name", "pod", "kubernetes_pod_name", "instance", "node_name", "host", "hostname")
"""Labels that tell one gateway from another, the most telling first."""
_DEEPEST = 4
_MOST_KEPT = 4 * 2**20
"""Bytes of pieces that wait for their end."""


class Envelopes:
    """The envelopes of one source, with the pieces of lines that wait for their end."""

    def __init__(self) -> None:
        self._pieces: dict[bytes, bytes] = {}

    def waiting(self) -> int:
        """Return how many lines have begun and not ended."""
        return sum(bool(piece) for piece in self._pieces.values())

    def bare(self, line: bytes, gateway: str = "", depth: int = 0) -> Iterator[Bare]:
        """Yield what a line carries: objects where it is JSON, else the text; nothing while more pieces are to come."""
        text = line.strip()
        if depth > _DEEPEST or not text:
            return
        if found := _CRI.fullmatch(text):
            if (whole := self._joined(b"cri" + found[1], found[3], last=found[2] == b"F")) is not None:
                yield from self.bare(whole, gateway, depth + 1)
        elif found := _KUBECTL.fullmatch(text):
            yield from self.bare(found[2], found[1].decode("utf-8", "replace"), depth + 1)
        elif found := _LOGCLI.fullmatch(text):
            labels = {name.decode(): value.decode("utf-8", "replace") for name, value in _LABEL.findall(found[1])}
            yield from self.bare(found[2], _node(labels) or gateway, depth + 1)
        elif found := _MOMENT.fullmatch(text):
            yield from self.bare(found[1], gateway, depth + 1)
        elif text[:1] in (b"{", b"[") and (value := _json(text)) is not None:
            yield from self._of_json(value, gateway, depth)
        else:
            yield text, gateway

    def _of_json(self, value: Any, gateway: str, depth: int) -> Iterator[Bare]:
        if isinstance(value, list):
            for each in value:
                yield from self._of_json(each, gateway, depth)
        elif isinstance(value, dict):
            if streams := _streams(value):
                for labels, line in streams:
                    yield from self.bare(line.encode(), _node(labels) or gateway, depth + 1)
                return
            carried = next((each for name in _FIELDS if isinstance(each := value.get(name), str | dict)), None)
            if carried is None or _is_request(value):
                yield value, _node(_labels(value)) or gateway
            elif isinstance(carried, dict):
                yield carried, _node(_labels(value)) or gateway
            else:
                yield from self._of_text(value, carried, _node(_labels(value)) or gateway, depth)

    def _of_text(self, envelope: dict[str, Any], text: str, gateway: str, depth: int) -> Iterator[Bare]:
        line = text.encode("utf-8", "surrogatepass")
        if envelope.keys() <= {"log", "stream", "time", "attrs"} and "time" in envelope:
            key = f"docker{envelope.get('stream')}{gateway}".encode()
            if (whole := self._joined(key, line, last=line.endswith(b"\n"))) is None:
                return
            line = whole
        yield from self.bare(line, gateway, depth + 1)

    def _joined(self, stream: bytes, piece: bytes, *, last: bool) -> bytes | None:
        whole = self._pieces.pop(stream, b"") + piece
        if last or len(whole) > _MOST_KEPT:
            return whole
        self._pieces[stream] = whole
        return None


def _json(text: bytes) -> Any:
    try:
        return loads(text)
    except ValueError:
        pass
    try:
        # One of several lines of an array: it ends with a comma.
        return loads_anyhow(text.removesuffix(b","))
    except (ValueError, RecursionError):
        return None


def _is_request(value: dict[str, Any]) -> bool:
    """Return whether an object is itself a request, though a field of it is called as those of envelopes are."""
    return "latencies" in value or "DownstreamStatus" in value or "response_code" in value


def _streams(value: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return labels and lines of Loki's streams: of an answer, or as they are pushed to it."""
    data = value.get("data")
    streams = data.get("result") if isinstance(data, dict) else value.get("streams")
    if not isinstance(streams, list):
        return []
    return [
        (stream.get("stream") or {}, entry[1])
        for stream in streams
        if isinstance(stream, dict)
        for entry in stream.get("values") or ()
        if isinstance(entry, list) and len(entry) > 1 and isinstance(entry[1], str)
    ]


def _labels(value: dict[str, Any]) -> dict[str, Any]:
    """Return what an envelope says of the place that its line is from."""
    for name in ("kubernetes", "labels", "resource"):
        if isinstance(labels := value.get(name), dict):
            return labels
    return value if "log" in value else {}


def _node(labels: dict[str, Any]) -> str:
    return next((str(labels[name]) for name in _NODES if isinstance(labels.get(name), str)), "")
