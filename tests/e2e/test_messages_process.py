"""Messages that a connector is asked to send while its process ends, or is not there."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Api, assert_refused
from phones import ANA, Phone, counted, simulators
from pombo_server import Server, until


@pytest.fixture
def apart(tmp_path):
    """A server whose simulator runs in a process of its own."""
    config = tmp_path / "pombo.yaml"
    config.write_text("plugins: {path: [plugins]}\n"
                      "blocks: {messages: , simulator: {isolation: process}}\n")
    with Server(data_dir=tmp_path, config=config) as server:
        yield server


def test_what_a_process_has_in_its_hands_when_it_ends_may_have_been_sent(apart):
    phone = Phone(Api(apart, apart.account("shop")), "shop")
    with ThreadPoolExecutor(1) as aside:
        [process] = simulators(apart)
        os.kill(process, signal.SIGSTOP)
        answer = aside.submit(phone.ask, "POST message/text", number=ANA, message="Hello")
        assert until(lambda: counted(phone) == {"pending": 1})
        os.kill(process, signal.SIGKILL)
        assert_refused(answer.result(), 504, "Timed out waiting for WhatsApp")
        [kept] = phone.told("POST chat/history", number=ANA)["messages"]
        assert kept["status"] == "pending"


def test_what_is_asked_while_a_process_is_down_is_not_pending(apart):
    phone = Phone(Api(apart, apart.account("shop")), "shop")
    kills = 3
    for _ in range(kills):
        [process] = simulators(apart)
        os.kill(process, signal.SIGKILL)
        while (reply := phone.ask("POST message/text", number=ANA, message="Hi")).status != 200:
            assert reply.status == 503, reply
    assert until(lambda: counted(phone).get("read") == kills), counted(phone)
    assert "pending" not in counted(phone)
