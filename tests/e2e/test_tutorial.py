"""docs/tutorial.md, followed to the letter: each command is run, each answer held against the page."""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest
from client import PATIENCE
from pombo_server import REPOSITORY, Server, until
from tab import Tab

PAGE = REPOSITORY / "docs/tutorial.md"
RECEIVER = "http://127.0.0.1:9000"  # as the page calls it
POMBO = "http://127.0.0.1:8080"
ROWS = """[...document.querySelectorAll("#events summary")].reverse().map(
    each => `${each.querySelector("b").textContent}: ${each.querySelector("span").textContent}`)"""
STATUS = "document.getElementById('status').textContent"


def steps() -> list[tuple[str, str]]:
    """The page's blocks of code, each with what it is written in."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


class Listener:
    """A program in a terminal of its own, and what it prints."""

    def __init__(self, command: str, folder: Path, env: dict[str, str]):
        self.lines: list[str] = []
        self.process = subprocess.Popen(command.split(), cwd=folder, env=env, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, server: Server, folder: Path):
        self.folder = folder
        self.env = os.environ | {"POMBO": server.url, "ACCOUNT_TOKEN": server.account("default")}
        self.listener: Listener | None = None
        self.tab: Tab | None = None
        self.receiver = ""  # where it really is
        self.last = ""  # command
        self.heard = 0  # lines of the listener

    def save(self, code: str) -> None:
        (self.folder / "receiver.py").write_text(code)

    def run(self, command: str) -> str:
        if command.startswith("python3 receiver.py"):
            self.listener = Listener(command, self.folder, self.env | {"PORT": "0"})
            assert until(lambda: self.listener.lines)
            self.receiver = self.listener.lines[0].removeprefix("listening on ")
            self.heard = 1
            return ""
        self.last = command
        done = subprocess.run(["sh", "-euc", self.real(command)], cwd=self.folder, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def real(self, text: str) -> str:
        return text.replace(RECEIVER, self.receiver)

    def reads(self, answer: str, expected: str) -> None:
        """What comes of an event may come a little later: then the command is given again."""
        wanted = json.loads(self.real(expected))
        answers = [answer]

        def same() -> bool:
            if is_as(wanted, json.loads(answers[-1])):
                return True
            if "?limit" in self.last:
                answers.append(self.run(self.last))
            return False

        assert same() or ("?limit" in self.last and until(same)), answers[-1]

    def opens(self, answer: str, expected: str) -> None:
        assert answer.startswith(expected.strip().removesuffix("…").replace(POMBO, self.env["POMBO"]))
        self.tab = Tab(answer.strip())
        self.tab.until(f"{STATUS}.startsWith('Listening to shop')")

    def end(self) -> None:
        if self.listener:
            self.listener.end()
        if self.tab:
            self.tab.end()

    def hears(self, expected: str) -> None:
        wanted = expected.splitlines()
        assert until(lambda: len(self.listener.lines) >= self.heard + len(wanted)), \
            self.listener.lines
        # Answers to posts that are under way at once may cross.
        assert sorted(self.listener.lines[self.heard:]) == sorted(wanted)
        self.heard += len(wanted)


def is_as(wanted, given) -> bool:
    """Whether it is what the page prints, where "…" is anything."""
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(
            key in given and is_as(value, given[key]) for key, value in wanted.items() if key != "…"
        ) and ("…" in wanted or set(wanted) == set(given))
    if isinstance(wanted, list):
        return isinstance(given, list) and len(wanted) == len(given) and all(
            map(is_as, wanted, given))
    if isinstance(wanted, str) and wanted.endswith("…"):
        return isinstance(given, str) and given.startswith(wanted[:-1])
    return wanted == given


@pytest.fixture
def reader(tmp_path):
    start = steps()[0][1]
    settings, command = re.fullmatch(r"((?:\w+=\S+ )*)(\S+)\n", start).groups()
    assert command == "scripts/run" and os.access(REPOSITORY / command, os.X_OK)
    env = dict(each.split("=") for each in settings.split())
    folder = tmp_path / "folder"
    folder.mkdir()
    with Server(data_dir=tmp_path / "server", env=env) as server:
        reading = Reader(server, folder)
        yield reading
        reading.end()


def test_every_step_of_the_tutorial(reader):
    languages = [language for language, _ in steps()]
    assert {language: languages.count(language) for language in languages} == \
        {"sh": 13, "python": 1, "url": 1, "json": 7, "text": 3}
    answer = ""
    for language, code in steps()[2:]:
        if language == "python":
            reader.save(code)
        elif language == "sh":
            answer = reader.run(code)
        elif language == "json":
            reader.reads(answer, code)
        elif language == "url":
            reader.opens(answer, code)
        else:
            reader.hears(code)
    heard = "".join(code for language, code in steps() if language == "text").splitlines()
    once = [line.replace(" of shop", "") for line in heard if not line.endswith(", again")]
    reader.tab.until(f"{STATUS} === 'The stream has ended: token no longer valid.'")
    shown = reader.tab.value(ROWS)
    assert shown == [line.replace("Good", "Ana: Good") for line in once]
    assert reader.tab.said == []
    picture = (reader.folder / "qr.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n") and len(picture) > 500


def test_the_receiver_of_the_tutorial_believes_nobody_else(reader):
    reader.save(next(code for language, code in steps() if language == "python"))
    reader.run("python3 receiver.py")
    key = bytes(range(32))
    (reader.folder / "webhook.secret").write_text(f"whsec_{base64.b64encode(key).decode()}\n")
    now = int(time.time())

    def posted(at: int, body: bytes, signed: bytes, by: bytes = key) -> int:
        digest = hmac.digest(by, f"x.{at}.".encode() + signed, "sha256")
        connection = http.client.HTTPConnection(reader.receiver.removeprefix("http://"),
                                                timeout=PATIENCE)
        connection.request("POST", "/wa", body, {
            "webhook-id": "x", "webhook-timestamp": str(at),
            "webhook-signature": "v1,AAAA v1," + base64.b64encode(digest).decode()})
        status = connection.getresponse().status
        connection.close()
        return status

    body = json.dumps({"event": "instance.state", "id": "x", "data": {"state": "connected"},
                       "instanceData": {"instance": "shop"}}).encode()
    assert posted(now, body, body) == 204
    assert posted(now, body + b" ", body) == 401
    assert posted(now, body, body, bytes(32)) == 401
    assert posted(now - 400, body, body) == 401
    reader.hears("instance.state of shop: connected\n" + "not from Pombo\n" * 3)
