"""HAProxy and nginx as they are installed, in front of backends on loopback: started, told of backends, ended."""

import asyncio
import shutil
import subprocess
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Protocol


class Proxy(Protocol):
    """A proxy whose cookie keeps a session on its backend.

    Attributes:
        log: Its access log.
    """

    log: Path

    async def start(self, listed: Set[str]) -> None:
        """Start it, with these backends to choose from."""

    async def route(self, choosing: Set[str], following: Set[str]) -> None:
        """Say which backends new sessions may be given, and which others still serve those who bring their cookie."""

    def stop(self) -> None:
        """End its processes."""


def missing(program: str) -> str | None:
    """Return why a proxy cannot be tried here; None where it can."""
    found = shutil.which(program) or shutil.which(f"/usr/sbin/{program}")
    return None if found else f"{program} is not installed here (apt-get install {program})"


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/sbin/{name}"


class Haproxy:
    """HAProxy with an inserted cookie; its servers' states are set through its socket."""

    def __init__(self, directory: Path, port: int, backends: Mapping[str, int]) -> None:
        self.log = directory / "haproxy.log"
        self._socket = directory / "haproxy.sock"
        self._config = directory / "haproxy.cfg"
        self._port = port
        self._backends = backends
        self._states: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, listed: Set[str]) -> None:
        """Start it, with these backends to choose from."""
        self._states = {name: "ready" if name in listed else "maint" for name in self._backends}
        servers = "\n".join(
            f"  server {name} 127.0.0.1:{port} cookie {name}{'' if name in listed else ' disabled'}"
            for name, port in self._backends.items()
        )
        self._config.write_text(
            f"""\
global
  stats socket {self._socket} mode 600 level admin
  log stdout format raw local0 info
  nbthread 1
defaults
  mode http
  log global
  option httplog
  option http-server-close
  option redispatch 1
  retries 3
  timeout connect 1s
  timeout client 20s
  timeout server 20s
frontend bench
  bind 127.0.0.1:{self._port}
  capture cookie sid= len 40
  default_backend web
backend web
  balance roundrobin
  cookie srv insert indirect nocache
{servers}
""",
            encoding="ascii",
        )
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [_program("haproxy"), "-f", self._config, "-db"], stdout=log, stderr=subprocess.DEVNULL
            )
        await listening(self._port, self._process)

    async def route(self, choosing: Set[str], following: Set[str]) -> None:
        """Set the states of the servers."""
        wanted = {
            name: "ready" if name in choosing else "drain" if name in following else "maint" for name in self._backends
        }
        for name, state in wanted.items():
            if self._states[name] != state:
                await self._tell(f"set server web/{name} state {state}")
        self._states = wanted

    async def _tell(self, command: str) -> None:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        writer.write(f"{command}\n".encode())
        said = (await reader.read()).strip()
        writer.close()
        if said:
            raise RuntimeError(f"{command}: {said.decode()}")

    def stop(self) -> None:
        """End it."""
        end(self._process)


class Nginx:
    """nginx with a cookie that a map turns into an upstream: what ingress-nginx calls affinity by cookie.

    A backend that nobody listens on is tried, and then any other.
    """

    def __init__(self, directory: Path, port: int, backends: Mapping[str, int]) -> None:
        self.log = directory / "nginx.log"
        self._directory = directory
        self._port = port
        self._backends = backends
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, listed: Set[str]) -> None:
        """Start it, with these backends to choose from."""
        self._write(listed, set())
        command = [_program("nginx"), "-p", self._directory, "-c", self._directory / "nginx.conf"]
        self._process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        await listening(self._port, self._process)

    async def route(self, choosing: Set[str], following: Set[str]) -> None:
        """Write the configuration anew and have it loaded; requests under way end as they began."""
        self._write(choosing, following)
        assert self._process is not None
        self._process.send_signal(subprocess.signal.SIGHUP)  # type: ignore[attr-defined]

    def _write(self, choosing: Set[str], following: Set[str]) -> None:
        def server(name: str, role: str = "") -> str:
            return f"server 127.0.0.1:{self._backends[name]} max_fails=0{role};"

        sticky = [name for name in self._backends if name in choosing or name in following]
        chosen = sorted(choosing, key=list(self._backends).index)
        upstreams = [f"upstream any {{ {' '.join(map(server, chosen))} }}"]
        upstreams += [
            f"upstream {name} {{ {server(name)} {' '.join(server(o, ' backup') for o in chosen if o != name)} }}"
            for name in sticky
        ]
        named = " ".join(f'"~:{port}$" {name};' for name, port in self._backends.items())
        (self._directory / "nginx.conf").write_text(
            _NGINX.format(
                directory=self._directory,
                port=self._port,
                upstreams="\n  ".join(upstreams),
                followed=" ".join(f"{name} {name};" for name in sticky),
                named=named,
            ),
            encoding="ascii",
        )

    def stop(self) -> None:
        """End it."""
        end(self._process)


_NGINX = """\
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_processes 1;
events {{ worker_connections 2000; }}
http {{
  log_format told escape=json '{{"msec":"$msec","remote_addr":"$remote_addr","status":"$status",'
    '"request_time":"$request_time","upstream_addr":"$upstream_addr",'
    '"upstream_response_time":"$upstream_response_time","http_cookie":"$http_cookie",'
    '"sent_http_set_cookie":"$set"}}';
  access_log {directory}/nginx.log told;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  map $cookie_srv $upstream {{ {followed} default any; }}
  map $upstream_addr $answered {{ {named} }}
  # What $sent_http_set_cookie is from nginx 1.23 on: all of them, and not the first one only.
  map $upstream_http_set_cookie $set {{
    "" "srv=$answered; Path=/"; default "$upstream_http_set_cookie, srv=$answered; Path=/";
  }}
  {upstreams}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://$upstream;
      proxy_set_header Host $host;
      proxy_next_upstream error timeout;
      add_header Set-Cookie "srv=$answered; Path=/";
    }}
  }}
}}
"""


async def listening(port: int, process: "subprocess.Popen[bytes]", within_s: float = 10.0) -> None:
    """Wait until somebody listens on a port.

    Raises:
        RuntimeError: The process ended instead, or takes longer.
    """
    for _ in range(int(within_s / 0.02)):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return
    raise RuntimeError(f"nobody listens on port {port}")


def end(process: "subprocess.Popen[bytes] | None") -> None:
    """End a process of our own, by force if it does not listen to reason."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
