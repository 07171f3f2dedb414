import itertools

import pytest

from gateway import ROOT, Gateway, Store, instance
from mock_whatsapp import Mock, certificate_in


def pytest_addoption(parser):
    parser.addoption("--messages", type=int, default=150, help="each way, over a slow key store")


def pytest_collection_modifyitems(items):
    """What the mock does is tried by another client before ours is."""
    items.sort(key=lambda item: item.path.name != "test_other_client.py")


# Nobody is in two tests: all of them share one WhatsApp.
NUMBERS = itertools.count(15_550_000_001)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return certificate_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def binary():
    return ROOT / "build" / "bridge" / "mock" / "pombo-whatsapp-bridge"


@pytest.fixture(scope="session")
def live_binary():
    return ROOT / "build" / "bridge" / "live" / "pombo-whatsapp-bridge"


@pytest.fixture(scope="session")
def mock(certificate):
    started = Mock(certificate)
    yield started
    started.close()


class World:
    """A bridge, the gateway it talks to, and the WhatsApp that it believes in."""

    def __init__(self, binary, folder, mock):
        self.binary, self.folder, self.mock = binary, folder, mock
        self.store = Store()
        self.root = True  # whether the bridge is told whom to trust
        self.gateways = []
        self.me, self.bob = (str(next(NUMBERS)) for _ in range(2))
        self.mine = {"jid": f"{self.me}@s.whatsapp.net", "lid": f"8{self.me}@lid"}
        self.bobs = {"jid": f"{self.bob}@s.whatsapp.net", "lid": f"9{self.bob}@lid"}
        mock.do("contact", phone=self.bob, name="Bob")
        self.gateway = self.start()

    def by_bob(self, operation, **body):
        """What Bob does with the instance's number."""
        return self.mock.do(operation, **{"from": self.bob, "to": self.me}, **body)

    def start(self, **more):
        gateway = Gateway(self.binary, self.folder, self.store, self.mock.option(self.root), **more)
        self.gateways.append(gateway)
        self.gateway = gateway
        return gateway

    def restart(self):
        """As after kill -9: nothing of the old process is left but what it has kept."""
        self.gateway.kill()
        return self.start()

    def linked(self, **request):
        who = instance()
        after = len(self.store.events)
        assert self.gateway.connect(who, **request) == {"kind": "later", "code": ""}
        code = self.store.state(who, "qr_ready", after)["codes"][0]
        self.mock.do("scan", phone=self.me, qr=code)
        self.store.state(who, "connected", after)
        return who

    def resume(self, who, proxy=None):
        after = len(self.store.events)
        self.gateway.call("connector.reconnect", who, proxy)
        return self.store.state(who, "connected", after)

    def close(self):
        for gateway in self.gateways:
            if gateway.process.poll() is None:
                gateway.close()
        assert not self.store.problems, self.store.problems


@pytest.fixture
def world(binary, mock, tmp_path):
    made = World(binary, tmp_path / "sessions", mock)
    yield made
    made.close()
