"""A name server for tests, and a machine's corner in which it is the only one.

    with NameServer() as names:
        names.views["shop.test"] = [["93.184.216.34"], ["127.0.0.1"]]  # in turns
        Server(within=names.alone(folder)).start()

The resolver asks on port 53 alone, so it is the address on loopback that is free and not the port.
"""

from __future__ import annotations

import collections
import ipaddress
import os
import random
import socket
import struct
import subprocess
import threading
from pathlib import Path

PUBLIC = "93.184.216.34"
A, CNAME, AAAA = 1, 5, 28
MOUNTING = 'while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"'
SILENCE: list = []  # a view of a name that is never answered


class NameServer:
    """Answers with what `views` says of a name, each look-up with the next view, TTL 0.

    A view is a list of addresses; "cname:other.test" before them makes them those of that name.
    A name without views has `default`; NXDOMAIN where that is None.
    """

    def __init__(self, default: list[str] | None = None):
        self.default = default
        self.views: dict[str, list[list[str]]] = {}
        self.asked: collections.Counter[str] = collections.Counter()  # look-ups, by name
        self._turns: collections.Counter[tuple[str, int]] = collections.Counter()
        self._last: dict[tuple[str, int], tuple[int, object]] = {}
        self._socket = self._bound()
        self.address = self._socket.getsockname()[0]

    @staticmethod
    def _bound() -> socket.socket:
        for _ in range(100):
            listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            address = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
            try:
                listening.bind((address, 53))
                return listening
            except PermissionError as why:
                raise RuntimeError("a name server needs port 53: run these tests as root") from why
            except OSError:
                listening.close()
        raise RuntimeError("port 53 is taken on a hundred addresses of loopback")

    def __enter__(self) -> NameServer:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, 53))
        self._thread.join()
        self._socket.close()

    def alone(self, folder: Path, **files: Path) -> list[str]:
        """A command in front of which the system's resolver knows nobody but this server.

        `files` are put in place of others there: ca_certificates=..., see REPLACED.
        """
        # A look-up that is not answered takes minutes: whoever waits for one is found out.
        replaced = {"resolv": (folder / "resolv.conf",
                               f"nameserver {self.address}\noptions timeout:30 attempts:5\n"),
                    "nsswitch": (folder / "nsswitch.conf", "hosts: files dns\n")}
        pairs = []
        for name, (file, text) in replaced.items():
            file.write_text(text)
            pairs += [str(file), os.path.realpath(REPLACED[name])]
        for name, file in files.items():
            pairs += [str(file), os.path.realpath(REPLACED[name])]
        return [*_unshare(), "sh", "-ec", MOUNTING, "sh", *pairs, "--"]

    _ended = False

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if self._ended:
                return
            reply = self._reply(query, client)
            if reply:
                self._socket.sendto(reply, client)

    def _reply(self, query: bytes, client: object) -> bytes | None:
        number = struct.unpack("!H", query[:2])[0]
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        name = ".".join(labels).lower()
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        view = self._view(name, kind, (number, client))
        if view is SILENCE:
            return None
        records = [] if view is None else self._records(view, kind)
        flags = 0x8183 if view is None else 0x8180
        head = struct.pack("!6H", number, flags, 1, len(records), 0, 0)
        return head + question + b"".join(records)

    def _view(self, name: str, kind: int, question: tuple[int, object]) -> list[str] | None:
        # The same one, sent once more, has its number and its port. By the number alone one look-up
        # in 65,536 would be taken for that, which is one of sixteen runs of the rebinding test.
        again = self._last.get((name, kind)) == question
        self._last[name, kind] = question
        if not again:
            self._turns[name, kind] += 1
            self.asked[name] = max(self.asked[name], self._turns[name, kind])
        views = self.views.get(name)
        return views[(self._turns[name, kind] - 1) % len(views)] if views else self.default

    @staticmethod
    def _records(view: list[str], kind: int) -> list[bytes]:
        owner, records = b"\xc0\x0c", []
        for each in view:
            if each.startswith("cname:"):
                target = b"".join(bytes([len(label)]) + label.encode()
                                  for label in each[6:].split(".")) + b"\0"
                records.append(_record(owner, CNAME, target))
                owner = target
                continue
            address = ipaddress.ip_address(each)
            if kind == (A if address.version == 4 else AAAA):
                records.append(_record(owner, kind, address.packed))
        return records


REPLACED = {"resolv": "/etc/resolv.conf", "nsswitch": "/etc/nsswitch.conf",
            "ca_certificates": "/etc/ssl/certs/ca-certificates.crt"}


def _record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


def _unshare() -> list[str]:
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    raise RuntimeError("these tests need a mount namespace: run them as root")


class Sink:
    """Listens on loopback, IPv6 too where there is one, and counts who comes."""

    def __init__(self):
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = self._sockets[0].getsockname()[1]
        try:
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        except OSError:
            pass  # no IPv6 here, or no port
        self.has_ipv6 = len(self._sockets) == 2
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Sink:
        self._threads = [threading.Thread(target=self._serve, args=[each], daemon=True)
                         for each in self._sockets]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_) -> None:
        for each in self._sockets:
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        for each in self._threads:
            each.join()

    def connections(self) -> int:
        """So far. Who is waiting in the queue has come as well: those before us are counted."""
        for each in self._sockets:
            with socket.create_connection(each.getsockname()[:2]) as last:
                last.sendall(b"last\r\n\r\n")
                last.recv(1)
        with self._lock:
            self._count -= len(self._sockets)
            return self._count

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with self._lock:
                self._count += 1
            with peer:
                try:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                                 b"Connection: close\r\n\r\n")
                except OSError:
                    pass  # it has left again
