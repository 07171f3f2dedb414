import base64
import contextlib
import hashlib
import os

import pytest

from forward_proxies import AWAY, Front, microsocks, proxy, tinyproxy
from gateway import Failure, instance


@contextlib.contextmanager
def proxy_of(protocol, folder, certificate):
    if protocol == "socks5":
        with microsocks() as port:
            yield proxy(protocol, port)
        return
    with tinyproxy(folder) as port:
        if protocol == "http":
            yield proxy(protocol, port)
            return
        front = Front(certificate, behind=port)
        yield proxy(protocol, front.port)
        front.close()


@pytest.mark.parametrize("protocol", ["http", "https", "socks5"])
def test_everything_goes_through_the_instances_proxy(world, protocol, tmp_path, certificate):
    with proxy_of(protocol, tmp_path, certificate) as through:
        world.mock.do("peers")
        who = world.linked(proxy=through)
        assert ("proxy", "127.0.0.1") in world.store.asked
        data = os.urandom(50_000)
        sent = world.gateway.perform(who, "message.media", chat=world.bobs["jid"], source="api", mediaType="image",
                                     mediaBase64=base64.b64encode(data).decode(), mimeType="image/jpeg",
                                     mediaSize=len(data), fileName="", message="", isVoice=False, duration=None,
                                     waveform=None, mediaUrl=None)
        assert sent["message"]["media"]["sha256"] == hashlib.sha256(data).hexdigest()
        mine = next(e for e in world.store.of(who, "message.exchange"))
        found, files = world.gateway.call("connector.media", who, mine["mediaKey"])
        with os.fdopen(files[0], "rb") as file:
            assert os.pread(file.fileno(), found["size"], 0) == data
        world.mock.do("drop", phone=world.me)
        after = len(world.store.events)
        world.store.state(who, "connected", after)
        assert world.mock.do("peers")["addresses"] == [AWAY]
        world.gateway.close()


def test_without_a_proxy_nothing_goes_through_one(world):
    world.mock.do("peers")
    world.linked()
    assert world.mock.do("peers")["addresses"] == ["127.0.0.1"]


@pytest.mark.parametrize("protocol", ["http", "socks5"])
def test_a_proxy_that_refuses_is_told_and_not_gone_around(world, protocol, tmp_path, certificate):
    with proxy_of(protocol, tmp_path, certificate) as through:
        world.mock.do("peers")
        who = instance()
        world.gateway.connect(who, proxy=through | {"password": "wrong"})
        assert world.store.state(who, "connect_failure")["reason"] == "the proxy refused the connection"
        assert world.mock.do("peers")["addresses"] == []


def test_a_proxy_that_the_gateway_does_not_allow_is_not_dialled(world):
    def refuse(host):
        raise Failure({"code": "invalid", "sentence": "URL is not allowed: loopback"})

    world.gateway.on_http_requireAllowedProxy = refuse
    with pytest.raises(Failure) as failure:
        world.gateway.connect(instance(), proxy=proxy("http", 9))
    assert failure.value.code == "invalid"
