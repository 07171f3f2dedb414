"""Real S3 servers on loopback, each in a folder of its own: Ceph's radosgw and OpenStack Swift.

Two unrelated implementations that check signatures. What each answers is its own, and the tests
say so. Nothing is kept: they are killed, and the folder goes with the tests.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import http.client
import random
import re
import socket
import subprocess
import uuid
from datetime import datetime, timezone
from pathlib import Path

PATIENCE = 120  # seconds until a daemon that does not start is given up


def free_ports(count: int) -> list[int]:
    """Below those that connections are given by the system: of a busy machine, one of those may be
    taken again before a daemon that takes seconds to start binds it."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    while len(found) < count:
        port = random.randrange(first // 2, first)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class BucketServer:
    """One server of S3, the keys of an account there, and requests in its name."""

    name = ""
    region = "us-east-1"
    access_key = ""
    secret_key = ""
    stranger = ("", "")  # the keys of someone else, who may not touch the account's buckets

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> BucketServer:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    def start(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait()

    def run(self, *command: str) -> None:
        subprocess.run(command, cwd=self.folder, check=True, timeout=PATIENCE,
                       stdin=subprocess.DEVNULL, capture_output=True)

    def launch(self, *command: str) -> subprocess.Popen:
        with (self.folder / f"{Path(command[0]).name}.out").open("ab") as out:
            self.processes.append(subprocess.Popen(command, cwd=self.folder, stdout=out,
                                                   stderr=out, stdin=subprocess.DEVNULL))
        return self.processes[-1]

    def until_listening(self, process: subprocess.Popen, port: int) -> None:
        for _ in range(PATIENCE * 10):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                pass
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        raise RuntimeError(f"{process.args[0]} did not start, its output is in {self.folder}")

    def request(self, method: str, path: str) -> bytes:
        """One that is signed here, by other code than the gateway's; the body of the answer."""
        host, stamp = f"127.0.0.1:{self.port}", datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        nothing = hashlib.sha256(b"").hexdigest()
        headers = {"host": host, "x-amz-content-sha256": nothing, "x-amz-date": stamp}
        names = ";".join(headers)
        lines = "".join(f"{key}:{value}\n" for key, value in headers.items())
        canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{nothing}"
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n" + \
            hashlib.sha256(canonical.encode()).hexdigest()
        key = ("AWS4" + self.secret_key).encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, " \
            f"SignedHeaders={names}, Signature={signature}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status < 300, (answer.status, body)
            return body
        finally:
            connection.close()

    def make_bucket(self, name: str) -> None:
        self.request("PUT", f"/{name}")

    def keys_in(self, bucket: str) -> list[str]:
        return re.findall("<Key>(.*?)</Key>", self.request("GET", f"/{bucket}").decode())


class Ceph(BucketServer):
    """A monitor, a storage daemon that keeps everything in memory, and the gateway."""

    name = "ceph"
    access_key = "AKGATEWAYTEST0000001"
    secret_key = "s3cr3t/With+Chars=xyz"
    stranger = ("AKSTRANGERTEST000001", "other/With+Chars=xyz")

    def start(self) -> None:
        messages, legacy, self.port = free_ports(3)
        monitors = f"[v2:127.0.0.1:{messages},v1:127.0.0.1:{legacy}]"
        cluster = str(uuid.uuid4())
        for each in ("mon", "osd", "run", "rgw"):
            (self.folder / each).mkdir()
        (self.folder / "ceph.conf").write_text(self.config(cluster, monitors))
        self.make_keys()
        self.run("monmaptool", "--create", "--fsid", cluster, "--addv", "a", monitors, "monmap")
        self.run("ceph-mon", *self.as_("a"), "--mkfs", "--monmap", "monmap", "--keyring", "keyring")
        self.until_listening(self.launch("ceph-mon", *self.as_("a"), "-f"), messages)
        storage = str(uuid.uuid4())
        self.run("ceph", "-c", "ceph.conf", "osd", "new", storage)
        self.run("ceph-osd", *self.as_("0"), "--mkfs", "--osd-uuid", storage)
        self.launch("ceph-osd", *self.as_("0"), "-f")
        self.make_user("gateway", self.access_key, self.secret_key)
        self.make_user("stranger", *self.stranger)
        gateway = self.launch("radosgw", "-c", "ceph.conf", "-n", "client.rgw", "-f")
        self.until_listening(gateway, self.port)

    @staticmethod
    def as_(identity: str) -> list[str]:
        return ["-c", "ceph.conf", "-i", identity]

    def make_keys(self) -> None:
        self.run("ceph-authtool", "-C", "keyring", "--gen-key", "-n", "mon.", "--cap", "mon",
                 "allow *")
        for each in ("client.admin", "osd.0", "client.rgw"):
            self.run("ceph-authtool", "keyring", "--gen-key", "-n", each, "--cap", "mon", "allow *",
                     "--cap", "osd", "allow *")

    def make_user(self, name: str, access_key: str, secret_key: str) -> None:
        self.run("radosgw-admin", "-c", "ceph.conf", "-n", "client.admin", "user", "create",
                 "--uid", name, "--display-name", name, "--access-key", access_key,
                 "--secret-key", secret_key)

    def config(self, cluster: str, monitors: str) -> str:
        return f"""
[global]
fsid = {cluster}
mon host = {monitors}
mon initial members = a
keyring = {self.folder}/keyring
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
# One monitor need not wait for others to agree.
paxos propose interval = 0.05
paxos min wait = 0.01
run dir = {self.folder}/run
admin socket = {self.folder}/run/$name.$pid.asok
log file = {self.folder}/run/$name.log
crash dir = {self.folder}/run
[mon]
mon data = {self.folder}/mon
[osd]
osd data = {self.folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{self.port}
rgw data = {self.folder}/rgw
# Then a bucket may be in the host too: <bucket>.s3.localhost.
rgw dns name = s3.localhost
"""


# Which server has what, in one go: swift-ring-builder would be started nine times.
RINGS = """
import sys
from swift.common.ring import RingBuilder
for kind, port in (word.split("=") for word in sys.argv[1:]):
    ring = RingBuilder(1, 1, 1)
    ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d",
                  "weight": 1})
    ring.rebalance()
    ring.get_ring().save(kind + ".ring.gz")
"""


class Swift(BucketServer):
    """The proxy with its S3 API, and the three servers that keep accounts, containers, objects."""

    name = "swift"
    access_key = "test:tester"
    secret_key = "testing"
    stranger = ("test:other", "otherpw")

    def start(self) -> None:
        *ports, self.port = free_ports(4)
        (self.folder / "devices/d").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = tests\n"
            "[storage-policy:0]\nname = only\ndefault = yes\n")
        kinds = dict(zip(("account", "container", "object"), ports))
        self.run("/usr/bin/python3", "-c", RINGS, *(f"{k}={port}" for k, port in kinds.items()))
        launched = []
        for kind, port in kinds.items():
            (self.folder / f"{kind}.conf").write_text(
                self.common(port) + f"devices = {self.folder}/devices\nmount_check = false\n"
                f"[pipeline:main]\npipeline = {kind}-server\n"
                f"[app:{kind}-server]\nuse = egg:swift#{kind}\n")
            launched.append((self.launch(f"swift-{kind}-server", f"{kind}.conf"), port))
        (self.folder / "proxy.conf").write_text(self.proxy_config())
        launched.append((self.launch("swift-proxy-server", "proxy.conf"), self.port))
        for process, port in launched:
            self.until_listening(process, port)

    def common(self, port: int) -> str:
        return f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\n" \
            f"user = {getpass.getuser()}\nswift_dir = {self.folder}\n"

    def proxy_config(self) -> str:
        return self.common(self.port) + """
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
# Must be there, and serves as well when nobody answers: everything is looked up again.
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = s3.localhost
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test_other = otherpw
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""
