"""A backend process that keeps its sessions in memory: ``python backend.py PORT JOURNAL``.

A client is told apart by the cookie ``sid``, which the backend sets where it is missing. Who brings a ``sid`` that this
process has never seen has lost its state; from then on it is known here. The header ``X-Service`` says how many seconds
a request takes. On SIGTERM it takes no more connections, finishes what it has begun, and ends. The journal has a line
an answer: the time, the sid, and whether the state was ``new``, ``kept`` or ``lost``.
"""

import asyncio
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import TextIO


class Backend:
    """Answers requests from what it remembers."""

    def __init__(self, journal: TextIO) -> None:
        self._journal = journal
        self._known: set[str] = set()
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, port: int) -> None:
        """Answer until SIGTERM, and finish what is open then."""
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        server = await asyncio.start_server(self._accept, "127.0.0.1", port, backlog=512)
        await over.wait()
        server.close()
        while self._open:
            await asyncio.wait(self._open)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the proxy looked whether somebody listens
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        cookies = dict(part.strip().partition("=")[::2] for part in headers.get("cookie", "").split(";"))
        sid = cookies.get("sid")
        # Its state is where its request arrived: a session that is cut while it is served has lost it all the same.
        found = "new" if sid is None else "kept" if sid in self._known else "lost"
        sid = sid or secrets.token_hex(8)
        self._known.add(sid)
        await asyncio.sleep(float(headers.get("x-service", "0")))
        self._journal.write(f"{time.time():.6f} {sid} {found}\n")
        cookie = f"Set-Cookie: sid={sid}; Path=/\r\n" if found == "new" else ""
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{cookie}Connection: close\r\n\r\nok".encode())
        await writer.drain()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w", encoding="ascii", buffering=1) as lines:
        asyncio.run(Backend(lines).serve(int(sys.argv[1])))
