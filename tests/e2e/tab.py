"""A tab of a real browser, led by the test.

    with Tab(server.url + "/docs") as tab:
        tab.until("document.title")                # waits for the page to be so
        tab.value("document.title")                # of an expression
        tab.said, tab.asked                        # its console; the URLs that it asked for
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from browser import OPTIONS
from client import PATIENCE

UNTIL = """new Promise(done => {
  const look = () => (%s) && done(true);
  new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true,
                                                characterData: true});
  look();
})"""


class Tab:
    """What a page says and asks for is noted from its first byte on."""

    def __init__(self, url: str):
        self.said: list[str] = []
        self.asked: list[str] = []
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        reads, self._out = os.pipe()
        self._in, writes = os.pipe()
        options = [*OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else []),
                   "--remote-debugging-pipe", f"--user-data-dir={self._folder.name}/profile",
                   "about:blank"]
        # The browser's end of the pipes are descriptors 3 and 4.
        script = f'exec "$@" 3<&{reads} 4>&{writes}'
        self._browser = subprocess.Popen(
            ["bash", "-c", script, "browser", shutil.which("chromium") or "chromium", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(reads, writes), env=os.environ | {"HOME": self._folder.name})
        os.close(reads)
        os.close(writes)
        self._unread, self._number, self._session = b"", 0, None
        try:
            self._open(url)
        except BaseException:
            self.end()
            raise

    def _open(self, url: str) -> None:
        page = next(each for each in self._call("Target.getTargets")["targetInfos"]
                    if each["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=page["targetId"],
                                   flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(domain + ".enable")
        self.go(url)

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def end(self) -> None:
        self._browser.terminate()
        self._browser.wait(PATIENCE)
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def go(self, url: str) -> None:
        """Until it is loaded. With a changed fragment alone it would be the same page still."""
        for each in ("about:blank", url):
            self._loaded = False
            self._call("Page.navigate", url=each)
            while not self._loaded:
                self._note(self._next())

    def value(self, expression: str):
        result = self._call("Runtime.evaluate", expression=expression, awaitPromise=True,
                            returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, condition: str) -> None:
        assert self.value(UNTIL % condition)

    def picture(self) -> bytes:
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])

    def _call(self, method: str, **params) -> dict:
        self._number += 1
        call = {"id": self._number, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._out, json.dumps(call).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "result" in message, message
                return message["result"]
            self._note(message)

    def _next(self) -> dict:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self._in, 1 << 16) if ready else b""
            assert more, "the browser says nothing more; " + repr(self.said)
            self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def _note(self, message: dict) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.asked.append(params["url"])
        elif method == "Log.entryAdded":
            self.said.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str(params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.said.append(str(params["exceptionDetails"]))
