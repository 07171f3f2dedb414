"""A page in a real browser, whose script tells what it has seen.

    with Page("...script...") as page:
        page.origin        # "http://127.0.0.1:34567"
        page.told(server)  # runs the script, and returns what it has given to tell()
"""

from __future__ import annotations

import http.server
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from client import PATIENCE

PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
const given = %s;
const tell = said => fetch("/said", {method: "POST", body: JSON.stringify(said)});
try { tell(await (async () => { %s })()); } catch (error) { tell({failed: String(error)}); }
</script>"""

OPTIONS = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--no-default-browser-check", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-extensions",
           # Nothing but this machine.
           "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]


class Page:
    """`script` is the body of an async function; `given` is what told() was given."""

    def __init__(self, script: str):
        self._said: queue.Queue = queue.Queue()
        # What happens when the script says something on its way: fetch("/meanwhile").
        self.meanwhile = lambda: None
        self._content = b""
        self._script = script
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer(outer._content if self.path == "/" else b"")

            def do_POST(self):
                if self.path == "/meanwhile":
                    outer.meanwhile()
                    return self._answer(b"")
                outer._said.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(b"")

            def _answer(self, content: bytes):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Page:
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def told(self, **given):
        self._content = (PAGE % (json.dumps(given), self._script)).encode()
        options = OPTIONS + (["--no-sandbox"] if os.geteuid() == 0 else [])
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            log = Path(folder) / "log"
            with log.open("wb") as out:
                browser = subprocess.Popen(
                    [shutil.which("chromium") or "chromium", *options,
                     f"--user-data-dir={folder}/profile", self.origin + "/"],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    env=os.environ | {"HOME": folder})
            try:
                return self._said.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(log.read_text(errors="replace")[-4000:]) from None
            finally:
                browser.terminate()
                browser.wait(PATIENCE)
