"""Starts and ends one `pombo serve` for a test, and makes accounts in its database.

    with Server(data_dir=tmp) as server:
        token = server.account("shop", quota=10)
        urllib.request.urlopen(server.url + "/healthz")
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from store import store_in

REPOSITORY = Path(__file__).resolve().parents[2]
PLENTY = 100_000_000
# For every server of a run.
DEFAULT_ENV: dict[str, str] = {}
READY = re.compile(r"listening on (http://\S+:(\d+))")


def default_binary() -> Path:
    return Path(os.environ.get("POMBO_BINARY") or REPOSITORY / "build/release/pombo")


class Rows:
    """What stands in the tables that a creation writes."""

    def __init__(self, store):
        self.query = store.query

    def counts(self) -> list[tuple]:
        return self.query("SELECT (SELECT count(*) FROM instance), "
                          "(SELECT count(*) FROM block_row), "
                          "(SELECT sum(instances) FROM account)")


def until(condition, seconds: float = 60) -> bool:
    """Whether it comes true; asked again and again."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.003)  # each may be a connection, and a machine has 28,000 of them a minute
    return True


class Server:
    """One data directory and, while started, one process. May be started again after kill/stop."""

    def __init__(self, binary: str | Path | None = None, data_dir: str | Path = ".",
                 config: str | Path | None = None, env: dict[str, str] | None = None,
                 within: list[str] | None = None):
        self.binary = Path(binary).resolve() if binary else default_binary()
        # Resolved, because SQLite opens the resolved path and the power-loss shim compares it.
        self.data_dir = Path(data_dir).resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.config = Path(config).resolve() if config else None
        self.within = within or []  # a command that becomes the server
        self.store = store_in(self.data_dir)
        self.rows = Rows(self.store)
        self.tokens: set[str] = set()  # of its accounts and instances, as far as they were told
        self.log_file = self.data_dir / "server.log"
        self.url = ""
        self.port = 0
        self.process: subprocess.Popen | None = None
        # The caller's own POMBO_ settings must not leak into a test.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("POMBO_")}
        self.media = self.data_dir / "media"  # files of received messages
        self.env |= {"POMBO_HTTP_LISTEN": "127.0.0.1:0", "POMBO_MEDIA_FOLDER": str(self.media)}
        # Nobody is to dial WhatsApp because a test has asked for a code.
        self.env |= {"POMBO_BLOCKS_WHATSAPP_ENABLED": "false"}
        self.env |= self.store.settings
        self.env |= DEFAULT_ENV | (env or {})

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self.process, "not started"
        return self.process.pid

    def launch(self) -> Server:
        """Starts the process without waiting until it listens."""
        assert not self.process, "already started"
        self.url, self.port = "", 0
        self.process = subprocess.Popen(
            [*self.within, *self._command("serve")], cwd=REPOSITORY, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._listening_or_gone = threading.Event()
        self._reader = threading.Thread(target=self._copy_output, args=[self.process], daemon=True)
        self._reader.start()
        return self

    def start(self, timeout: float = 60) -> Server:
        """Starts the process and returns when it listens; raises with its log when it does not."""
        self.launch()
        self._listening_or_gone.wait(timeout)
        if not self.url:
            self.kill()
            raise RuntimeError(f"pombo did not start:\n{self.logs()[-4000:]}")
        return self

    def kill(self) -> None:
        """SIGKILL, at once. Harmless when it is not running."""
        if self.process:
            self.process.kill()
            self._reap(None)

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM; returns the exit status after the drain (negative: the signal that ended it)."""
        assert self.process, "not started"
        self.process.send_signal(signal.SIGTERM)
        return self._reap(timeout)

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Another command of the same binary on the same database: run("account", "list")."""
        return subprocess.run(self._command(*arguments), cwd=REPOSITORY, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)

    def account(self, name: str, **limits: int) -> str:
        """Makes an account and returns its TokenAccount, before the first start or beside the server.

        Limits are quota, create_limit and general_limit; what is not given is as good as unlimited.
        """
        limits = {"quota": PLENTY, "create_limit": PLENTY, "general_limit": PLENTY} | limits
        options = [text for key, value in limits.items()
                   for text in ("--" + key.replace("_", "-"), str(value))]
        done = self.run("account", "create", name, *options)
        if done.returncode != 0:
            raise RuntimeError(f"pombo account create failed: {done.stdout}{done.stderr}")
        token = done.stdout.strip()
        self.tokens.add(token)
        return token

    def rss(self) -> int:
        """Bytes of memory that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024

    def logs(self) -> str:
        """All that every start of this data directory has printed."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def _command(self, *arguments: str) -> list[str]:
        config = ["--config", str(self.config)] if self.config else []
        return [str(self.binary), *map(str, arguments), *config]

    def _copy_output(self, process: subprocess.Popen) -> None:
        with self.log_file.open("ab", buffering=0) as log, process.stdout:
            for line in process.stdout:
                log.write(line)
                found = None if self.url else READY.search(line.decode(errors="replace"))
                if found:
                    self.port = int(found[2])
                    self.url = found[1]
                    self._listening_or_gone.set()
        self._listening_or_gone.set()

    def _reap(self, timeout: float | None) -> int:
        assert self.process
        status = self.process.wait(timeout)
        # A child of the server may hold the pipe open a little longer.
        self._reader.join(5)
        self.process = None
        return status


def assert_nothing_told(server: Server) -> None:
    """No token, and nothing that a test has called a canary, is in the log."""
    log = server.logs()
    assert "listening on" in log
    told = [secret for secret in server.tokens | {"canary"} if secret in log]
    assert not told
