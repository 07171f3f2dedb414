import os
import select
import signal
import struct
import subprocess
import sys
import textwrap

import pytest

from forward_proxies import Front, proxy
from gateway import PATIENCE, ROOT, Failure, Gateway, instance


def test_it_says_what_it_is(world):
    assert world.gateway.hello["name"] == "whatsapp" and world.gateway.hello["protocol"] == 1
    assert world.gateway.hello["version"].endswith("+mock")
    assert world.gateway.sides == {"connector": True, "enricher": False, "proxies": False}
    assert [option["name"] for option in world.gateway.declared["options"]] == ["version", "mock"]


def test_the_end_of_its_pipe_is_its_own(world):
    world.linked()
    assert world.gateway.close() == 0


def test_a_signal_ends_it_when_what_is_under_way_is_sent(world):
    who = world.linked()
    number = world.gateway.begin("connector.perform", who, "message.text",
                                 {"chat": world.bobs["jid"], "source": "api", "message": "last", "linkPreview": False,
                                  "id": f"3EB0{world.me}"})
    world.mock.do("heard", tag="message", attrs={"id": f"3EB0{world.me}"})
    world.gateway.process.send_signal(signal.SIGTERM)
    assert world.gateway.end(number)["message"]["content"] == "last"
    assert world.gateway.process.wait(PATIENCE) == 0
    assert "disconnected" not in [e["data"].get("state") for e in world.store.of(who)]


def test_after_stop_nothing_is_served(world):
    who = world.linked()
    world.gateway.call("block.stop")
    with pytest.raises(Failure) as failure:
        world.gateway.connect(who)
    assert failure.value.code == "unavailable"


PARENT = """
    import os, socket, subprocess, sys, time
    ours, theirs = socket.socketpair()
    child = subprocess.Popen([sys.argv[1]], pass_fds=(3,), preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
    ours.recv(1)
    os.set_inheritable(ours.fileno(), True)
    holder = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL)  # keeps our end open
    print(child.pid, holder.pid, flush=True)
    sys.stdin.read()
"""


def test_it_dies_with_its_parent_though_its_pipe_is_held_open(binary):
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(PARENT), str(binary)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    child, holder = map(int, parent.stdout.readline().split())
    watched = os.pidfd_open(child)
    parent.kill()
    parent.wait(PATIENCE)
    assert select.select([watched], [], [], PATIENCE)[0], "it lives on"
    os.close(watched)
    os.kill(holder, signal.SIGKILL)
    parent.stdin.close()
    parent.stdout.close()


@pytest.mark.parametrize("bytes_", [
    struct.pack("<II", 1 << 31, 0), struct.pack("<II", 2, 9), struct.pack("<II", 2, 0) + b"[]",
    struct.pack("<II", 2, 0) + b"{}", struct.pack("<II", 21, 0) + b'{"id":9,"result":null',
])
def test_what_is_no_frame_ends_it_with_a_word(binary, tmp_path, bytes_):
    gateway = Gateway(binary, tmp_path, start=False)
    gateway.socket.sendall(bytes_)
    gateway.store.wait(lambda: gateway.gone, "its end")
    assert gateway.process.wait(PATIENCE) == 1
    gateway.reader.join(PATIENCE)
    assert gateway.process.stderr.read().startswith(b"bridge: ")
    gateway.process.stderr.close()
    gateway.socket.close()


def test_it_needs_a_pipe(binary):
    done = subprocess.run([str(binary)], capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1 and b"descriptor 3" in done.stderr


@pytest.mark.parametrize("node,sentence", [
    ({"folder": "relative"}, "The 'folder' option must be an absolute path"),
    ({"folder": "/proc/nowhere"}, "The 'folder' option must be a folder that can be written to"),
    ({"version": "two"}, "The 'version' option must be three numbers with dots"),
    ({"word": 1}, "The 'word' option is unknown"),
])
def test_a_configuration_that_makes_no_sense_is_refused(binary, mock, tmp_path, node, sentence):
    gateway = Gateway(binary, tmp_path, start=False)
    with pytest.raises(Failure) as failure:
        gateway.call("block.start", {"folder": str(tmp_path), "mock": mock.option()} | node)
    assert (failure.value.code, failure.value.sentence) == ("invalid", sentence)
    gateway.close()


# What is shipped
def test_the_shipped_bridge_cannot_be_told_whom_to_dial(live_binary, tmp_path, mock):
    gateway = Gateway(live_binary, tmp_path, start=False)
    assert "+" not in gateway.hello["version"]
    assert [o["name"] for o in gateway.call("block.declare")["options"]] == ["version"]
    with pytest.raises(Failure) as failure:
        gateway.call("block.start", {"folder": str(tmp_path), "mock": mock.option()})
    assert failure.value.sentence == "The 'mock' option is unknown"
    gateway.close()
    text = live_binary.read_bytes()
    assert b"rootPublicKey" not in text and b"the mock has no address" not in text
    mock_text = (ROOT / "build" / "bridge" / "mock" / live_binary.name).read_bytes()
    assert b"rootPublicKey" in mock_text  # so that the words above are those that it would have


def test_the_shipped_bridge_dials_whatsapp_and_trusts_no_other_root(live_binary, tmp_path, certificate):
    authority = tmp_path / "ca.pem"
    authority.write_text(certificate.authority)
    front = Front(certificate)
    elsewhere = Front(certificate)
    environment = {"SSL_CERT_FILE": str(authority)} | {
        name: f"http://127.0.0.1:{elsewhere.port}" for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")}
    gateway = Gateway(live_binary, tmp_path / "sessions", environment=environment)
    who = instance()
    gateway.connect(who, proxy=proxy("http", front.port))
    assert front.broken.wait(PATIENCE)
    gateway.store.state(who, "connect_failure")
    assert front.asked == ["CONNECT web.whatsapp.com:443 HTTP/1.1"] and not elsewhere.asked
    gateway.close()
    front.close()
    elsewhere.close()


def test_no_number_and_no_text_is_logged(world):
    who = world.linked()
    world.by_bob("message", message={"conversation": "precious"}, garble=True)
    world.store.wait_event(who, "message.exchange")
    world.mock.do("drop", phone=world.me)
    assert world.store.logged  # the library has warned of what it could not read
    for line in world.store.logged:
        assert world.me not in str(line) and world.bob not in str(line) and "precious" not in str(line)
    world.gateway.close()
    assert world.gateway.said == ""
