"""The page at /docs, as a browser sees it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chatwoot import Stubborn
from client import Api, assert_refused
from pombo_server import Server


def look(url: str, folder: Path) -> tuple[str, list[str], set[str]]:
    """The page when it has settled, what its console says, and the URLs that it asked for."""
    net_log = folder / "net.json"
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}",
         # The browser has questions of its own to others; they get no further than this.
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
         f"--log-net-log={net_log}", "--virtual-time-budget=20000", "--dump-dom", url],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    asked = {event["params"]["url"] for event in json.loads(net_log.read_text())["events"]
             if event.get("params", {}).get("initiator") not in (None, "not an origin")}
    return done.stdout, console, asked


def test_a_browser_shows_every_block_and_leaves_the_server_for_nothing(server, tmp_path):
    page, console, asked = look(server.url + "/docs", tmp_path)
    tags = set(re.findall(r'data-tag="(\w+)"', page))
    assert tags >= {"instance", "settings", "webhook", "websocket", "proxy", "s3", "chatwoot",
                    "server"}
    assert console == []
    assert {urlsplit(url).path for url in asked} == {
        "/docs/docs.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/openapi.json"}
    assert {urlsplit(url).netloc for url in asked} == {f"127.0.0.1:{server.port}"}


def test_a_page_that_did_otherwise_would_be_seen(tmp_path):
    page = b'<script>1</script><img src="http://127.0.0.1:9/x.png">'
    headers = {"Content-Type": "text/html",
               "Content-Security-Policy": "default-src 'none'; img-src *"}
    with Stubborn(200, page, headers) as other:
        _, console, asked = look(other.url + "/", tmp_path)
    assert "Content Security Policy" in console[0]
    assert "http://127.0.0.1:9/x.png" in asked


@pytest.mark.parametrize("path, kind, caching", [
    ("/docs", "text/html", "no-cache"),
    ("/docs/", "text/html", "no-cache"),
    ("/docs/docs.js", "text/javascript", "public, max-age=86400"),
    ("/docs/swagger-ui-bundle.js", "text/javascript", "public, max-age=86400"),
    ("/docs/swagger-ui.css", "text/css", "public, max-age=86400"),
])
def test_how_its_files_are_served(server, path, kind, caching):
    reply = Api(server).get(path)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert reply.headers["Cache-Control"] == caching
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("name", ["", "x", "package.json", "..%2fopenapi.json", "%00"])
def test_there_are_no_other_files(server, name):
    assert_refused(Api(server).get(f"/docs/x{name}"), 404, "Not found")


def test_behind_a_proxy_its_files_are_in_the_folder(tmp_path):
    with Server(data_dir=tmp_path,
                env={"POMBO_HTTP_BASE_URL": "https://wa.example/a/b/"}) as server:
        assert '<base href="/a/b/">' in Api(server).get("/docs").raw.decode()


def test_it_can_be_switched_off_by_itself(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_HTTP_DOCS": "false"}) as server:
        assert_refused(Api(server).get("/docs"), 404, "Not found")
        assert Api(server).get("/openapi.json").status == 200
