"""What authors elsewhere do: a block from the page alone, a connector, a sink."""

from __future__ import annotations

import http.server
import json
import os
import queue
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import zoo
from client import Api, assert_refused
from pombo_server import REPOSITORY, Server, default_binary

# The page -------------------------------------------------------------------------------------

PAGE = REPOSITORY / "plugins/README.md"


def page() -> dict[str, list[str]]:
    """The page's blocks of code, by what they are written in."""
    found: dict[str, list[str]] = {}
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        found.setdefault(language, []).append(code)
    return found


@pytest.fixture(scope="module")
def written(external_blocks) -> Path:
    """A folder where somebody has done what the page says."""
    folder = external_blocks.parent / "page"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    code = page()
    (folder / "greeter_block.cpp").write_text(code["cpp"][0])
    (folder / "greeter_test.cpp").write_text(code["cpp"][1])
    (folder / "CMakeLists.txt").write_text(code["cmake"][0])
    env = os.environ | {"POMBO_BUILD": str(default_binary().parent), "CMAKE_GENERATOR": "Ninja",
                        "PREFIX": str(external_blocks.parent / "prefix"),
                        "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    done = subprocess.run(["sh", "-ec", code["sh"][0]], cwd=folder, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert "100% tests passed" in done.stdout
    return folder


@pytest.mark.parametrize("isolation", zoo.ISOLATIONS)
def test_what_the_page_says_works(tmp_path, written, isolation):
    [yaml] = page()["yaml"]
    assert "/opt/blocks" in yaml
    config = tmp_path / "pombo.yaml"
    config.write_text(yaml.replace("/opt/blocks", str(written / "build")))
    env = {"POMBO_PLUGINS_ISOLATION": isolation}
    with Server(data_dir=tmp_path, config=config, env=env) as server:
        env = os.environ | {"ACCOUNT_TOKEN": server.account("shop"), "POMBO": server.url}
        created = json.loads(subprocess.run(["sh", "-ec", page()["sh"][1]], env=env, check=True,
                                            capture_output=True, text=True).stdout)
        instance = created["instance"]
        assert instance["greeter"] == {"enabled": True, "name": "Ana", "tone": "warm"}
        greeting = Api(server, instance["token"]).get(f"/api/greeter/{instance['name']}")
        assert greeting.json == {"success": True, "greeting": "Hi, Ana"}


# A program ------------------------------------------------------------------------------------


def test_a_program_of_others_is_a_block(tmp_path, external_blocks, fresh):
    word = {"process": {"mayRead": ["/usr/bin/python3"]}}
    config = zoo.config(tmp_path, [external_blocks], {"word": word}, "process")
    with Server(data_dir=tmp_path, config=config) as server:
        api = Api(server, server.account("shop"))
        name = fresh()
        assert api.created(name, wordText="hello")["word"] == {"word": "hello"}
        assert api.listed(f"?instanceName={name}")[0]["word"] == {"word": "hello"}


# A connector and a sink -----------------------------------------------------------------------


@pytest.fixture(scope="module", params=zoo.ISOLATIONS)
def server(request, tmp_path_factory, external_blocks):
    folder = tmp_path_factory.mktemp("external")
    config = zoo.config(folder, [external_blocks], {"echo": {}, "loopback": {}}, request.param)
    with Server(data_dir=folder, config=config,
                env={"POMBO_EGRESS_ALLOW": "127.0.0.1/32"}) as started:
        yield started


class Receiver:
    """Answers 200, and keeps what was posted."""

    def __init__(self):
        self.posted = queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.put((self.headers, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/echo"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        return self.posted.get(timeout=60)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def entry(api: Api, name: str) -> dict:
    [listed] = api.listed(f"?instanceName={name}")
    return listed


def test_a_connector_of_others_links_an_instance(api, fresh):
    name = fresh()
    instance = api.created(name, connector="loopback")
    assert (instance["connector"], instance["loopback"]) == ("loopback", {"linked": False})
    text = {"number": "5511999999999", "message": "Olá"}
    assert_refused(api.call("POST", f"/api/loopback/message.text/{name}", text), 503,
                   "Instance is not connected")

    assert api.call("POST", f"/api/loopback/link/{name}").json == {"success": True}
    sent = api.call("POST", f"/api/loopback/message.text/{name}", text)
    assert (sent.status, sent.json) == (200, {"status": "sent", "message": text})
    assert_refused(api.call("POST", f"/api/loopback/group.create/{name}", {}), 501,
                   "Loopback has texts only")
    assert entry(api, name)["profile"]["name"] == f"Echo of {name}"
    assert entry(api, name)["loopback"] == {"linked": True}


def test_an_instance_of_another_connector_is_none_of_its_business(api, fresh):
    name = fresh()
    instance = api.created(name)
    assert "connector" not in instance
    assert_refused(api.call("POST", f"/api/loopback/message.text/{name}", {}), 503,
                   "No connector is available")
    assert entry(api, name)["profile"]["name"] is None


@pytest.mark.parametrize("word", ["greeter", "echo", "telegram"])
def test_what_is_no_connector_links_nothing(api, fresh, writes_nothing, word):
    reply = api.create(fresh(), connector=word)
    assert_refused(reply, 400, f"Connector is not available: {word}")


def test_a_sink_of_others_receives_what_a_connector_tells(server, api, fresh, receiver):
    assert not zoo.lines_of(server, "Block did not start")
    instance = api.created(fresh(), connector="loopback", echoEnabled=True, echoURL=receiver.url)
    name = instance["name"]
    assert api.call("POST", f"/api/loopback/link/{name}").json == {"success": True}
    text = {"number": "5511999999999", "message": "Olá"}
    assert api.call("POST", f"/api/loopback/message.text/{name}", text).status == 200
    headers, envelope = receiver.next()
    assert (envelope["event"], envelope["data"]) == ("message.exchange", text)
    assert envelope["instanceData"] == {"baseUrl": server.url, "instance": name,
                                        "token": instance["token"]}
    assert (headers["x-event-id"], headers["x-attempt"]) == (envelope["id"], "1")
