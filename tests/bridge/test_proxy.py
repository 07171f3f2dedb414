import base64
import contextlib
import hashlib
import ipaddress
import os
import socket

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


@pytest.mark.parametrize("protocol", ["http", "https", "socks5"])
def test_a_proxy_is_not_dialled_at_an_address_that_is_not_allowed_though_its_name_is(world, protocol):
    asked = []

    def refuse_addresses(host):
        asked.append(host)
        if host != "localhost":
            raise Failure({"code": "invalid", "sentence": "URL is not allowed: loopback address"})

    world.gateway.on_http_requireAllowedProxy = refuse_addresses
    with socket.create_server(("127.0.0.1", 0)) as listener:
        who = instance()
        world.gateway.connect(who, proxy=proxy(protocol, listener.getsockname()[1]) | {"host": "localhost"})
        told = world.store.state(who, "connect_failure")
        assert (told["code"], told["reason"]) == (0, "the proxy refused the connection")
        assert asked[0] == "localhost" and "127.0.0.1" in asked
        assert all(ipaddress.ip_address(address).is_loopback for address in asked[1:])
        with socket.create_connection(listener.getsockname()) as ours:  # and nobody came before
            assert listener.accept()[1] == ours.getsockname()


def test_a_proxy_is_asked_for_again_when_it_is_dialled_again(world, tmp_path, certificate):
    """Its name may lead elsewhere by then: a link that has been up for days is no exception."""
    with proxy_of("http", tmp_path, certificate) as through:
        who = world.linked(proxy=through | {"host": "localhost"})

        def refuse(host):
            world.store.asked.append(("refused", host))
            with world.store.changed:
                world.store.changed.notify_all()
            raise Failure({"code": "invalid", "sentence": "URL is not allowed: loopback address"})

        world.gateway.on_http_requireAllowedProxy = refuse
        world.mock.do("peers")
        world.mock.do("drop", phone=world.me)
        world.store.wait(lambda: ("refused", "127.0.0.1") in world.store.asked, "a question about the address")
        assert world.mock.do("peers")["addresses"] == []
        after = len(world.store.events)
        world.gateway.on_http_requireAllowedProxy = lambda host: None
        world.store.state(who, "connected", after)
