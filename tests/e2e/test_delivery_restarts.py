"""Deliveries in servers of their own: killed, in strict order, and out of patience."""

import threading

import pytest
from client import PATIENCE, Api
from deliveries import SERVER_ENV, Shop
from pombo_server import Server
from receivers import Receiver

EVENTS = 1000


@pytest.fixture
def start(tmp_path, fresh):
    """start(POMBO_…=…) is the requests of an account of a server of its own."""
    servers = []

    def begin(**env: str) -> Api:
        servers.append(Server(data_dir=tmp_path, env=SERVER_ENV | env).start())
        return Api(servers[-1], servers[-1].account(fresh("account")))

    yield begin
    for each in servers:
        each.kill()


def test_what_is_pending_survives_a_kill(start, fresh):
    api = start()
    with Receiver() as crm:
        port = crm.port
        crm.answer = lambda _: (500,)
        shop = Shop(api, fresh())
        shop.webhook(crm.url)
        ids = {shop.happens() for _ in range(10)}
        shop.attempted(10, "pending")
    api.server.kill()
    with Receiver(port=port) as crm:
        api.server.start()
        posted = crm.wait(10)
        assert {each.id for each in posted} == ids
        assert {each.headers["x-pombo-attempt"] for each in posted} == {"2"}
        assert len(shop.attempted(10, "delivered")) == 10


def test_what_waits_for_an_instance_that_is_deleted_goes_with_it(start, fresh):
    """Its rows go by and by, across a kill too: nobody sees them meanwhile."""
    api = start()
    with Receiver() as crm:
        port = crm.port
        crm.answer = lambda _: (500,)
        shop, other = Shop(api, fresh()), Shop(api, fresh())
        for each in (shop, other):
            each.webhook(crm.url)
        for _ in range(20):
            shop.happens()
        kept = other.happens()
        shop.attempted(20, "pending")
        other.attempted(1, "pending")
        assert api.call("DELETE", f"/api/instance/delete/{shop.segment}").status == 200
    api.server.kill()
    with Receiver(port=port) as crm:
        api.server.start()
        again = Shop(api, shop.name)
        assert again.deliveries() == []
        again.webhook(crm.url)
        fresh_one = again.happens()
        assert {each.id for each in crm.wait(2)} == {kept, fresh_one}
        assert len(again.attempted(1, "delivered")) == len(other.attempted(1, "delivered")) == 1


def test_one_at_a_time_keeps_the_order(start, fresh):
    api = start(POMBO_BLOCKS_WEBHOOK_MAX_IN_FLIGHT="1")
    with Receiver() as crm:
        shop = Shop(api, fresh())
        shop.webhook(crm.url)
        ids = [shop.happens() for _ in range(EVENTS)]  # of one chat: others may cross
        assert [each.id for each in crm.wait(EVENTS)] == ids


def test_whoever_does_not_answer_in_time_is_asked_again(start, fresh):
    api = start(POMBO_BLOCKS_WEBHOOK_TIMEOUT_SECONDS="1")
    answered = threading.Event()

    def answer(_):
        answered.wait(PATIENCE)
        return (204,)

    with Receiver(answer) as silent:
        shop = Shop(api, fresh())
        shop.webhook(silent.url)
        shop.happens()
        [row] = shop.attempted()
        assert (row["status"], row["lastStatusCode"]) == ("pending", None)
        assert "imed out" in row["lastError"] or "imeout" in row["lastError"]
        told = shop.test().json
        assert told["message"] == "Test event was not accepted"
        assert told["delivery"]["statusCode"] is None and told["delivery"]["error"]
        answered.set()
