"""nginx and HAProxy before a server, as lenient as they can be told to be.

    with Nginx(server.port, folder) as proxy:
        proxy.exchange(b"GET ...")   # all that came back until the end
        proxy.forwarded()            # the request lines it has passed on meanwhile
"""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

from client import PATIENCE

FENCE = b"GET /healthz?fence HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class _Proxy:
    """Listens on a socket in `folder`, and prints a line for every request that it has read."""

    config: str
    command: list[str]

    def __init__(self, port: int, folder: Path):
        self.path = folder / f"{type(self).__name__}.sock"
        file = folder / f"{type(self).__name__}.conf"
        file.write_text(self.config.replace("PORT", str(port)).replace("SOCKET", str(self.path))
                        .replace("FOLDER", str(folder)))
        self._command = [word.replace("FILE", str(file)) for word in self.command]
        self._log = folder / f"{type(self).__name__}.log"

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=self._log.open("wb"))
        self._lines: list[str] = []
        self._read = threading.Condition()
        self._reader = threading.Thread(target=self._copy, daemon=True)
        self._reader.start()
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
        self.forwarded()
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def exchange(self, data: bytes) -> bytes:
        """What comes back until the proxy closes."""
        received = b""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(self.path))
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while piece := client.recv(65536):
                    received += piece
            except ConnectionError:
                pass  # it has hung up on what it did not like
        return received

    def forwarded(self) -> list[str]:
        """The lines of the requests it has passed on since the last time."""
        assert b" 200 " in self.exchange(FENCE).partition(b"\r\n")[0]
        with self._read:
            assert self._read.wait_for(lambda: any("fence" in line for line in self._lines),
                                       PATIENCE)
            lines, self._lines = self._lines, []
        return [line.removeprefix("yes ") for line in lines
                if line.startswith("yes ") and "fence" not in line]

    def _answers(self) -> bool:
        try:
            return b" 200 " in self.exchange(FENCE)
        except OSError:
            return False

    def _copy(self) -> None:
        for line in self._process.stdout:
            with self._read:
                self._lines.append(line.decode("latin-1").strip())
                self._read.notify_all()


class Nginx(_Proxy):
    command = ["nginx", "-p", "/", "-e", "stderr", "-c", "FILE"]
    config = """
daemon off;
master_process off;
pid FOLDER/nginx.pid;
error_log stderr crit;
events { worker_connections 64; }
http {
  map $upstream_addr $forwarded { "" no; default yes; }
  log_format seen escape=none "$forwarded $request";
  access_log /dev/stdout seen;
  client_body_temp_path FOLDER/nginx-body;
  proxy_temp_path FOLDER/nginx-proxy;
  fastcgi_temp_path FOLDER/nginx-1; uwsgi_temp_path FOLDER/nginx-2; scgi_temp_path FOLDER/nginx-3;
  client_max_body_size 0;
  large_client_header_buffers 4 128k;
  ignore_invalid_headers off;
  underscores_in_headers on;
  lingering_close off;
  proxy_ignore_client_abort on;
  upstream pombo { server 127.0.0.1:PORT; keepalive 4; }
  server {
    listen unix:SOCKET;
    location / {
      proxy_pass http://pombo;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }
  }
}
"""


class HaProxy(_Proxy):
    command = ["haproxy", "-db", "-f", "FILE"]
    config = """
global
  log stdout format raw local0
  maxconn 64
  tune.bufsize 131072
  tune.http.maxhdr 1024
defaults
  mode http
  log global
  timeout connect 60s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
  option accept-invalid-http-request
  log-format "%[srv_id,bool,iif(yes,no)] %HM %HU"
frontend front
  bind unix@SOCKET
  default_backend pombo
backend pombo
  server pombo 127.0.0.1:PORT
"""
