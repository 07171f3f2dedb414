import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

AT_ONCE = 8


@pytest.fixture(scope="session")
def slow_disk(tmp_path_factory):
    library = tmp_path_factory.mktemp("slow") / "slow_store.so"
    source = Path(__file__).with_name("slow_store.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def test_both_ways_at_once_over_a_slow_key_store_everything_is_decrypted(world, slow_disk, request):
    """--messages 2000: a ratchet that is written late must not be read before."""
    count = request.config.getoption("--messages")
    world.gateway.close()
    world.start(environment={"LD_PRELOAD": str(slow_disk)})
    who = world.linked()
    for what in ("log", "seen"):
        world.mock.do(what)  # of others

    def send(number):
        return world.gateway.perform(who, "message.text", chat=world.bobs["jid"], source="api",
                                     message=f"out {number}", linkPreview=False)["id"]

    flood = threading.Thread(target=world.by_bob, args=("flood",), kwargs={"n": count})
    flood.start()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        sent = list(threads.map(send, range(count)))
    flood.join()

    def incoming():
        return [e["data"] for e in world.store.of(who, "message.exchange") if e["data"]["direction"] == "incoming"]

    world.store.wait(lambda: len({each["id"] for each in incoming()}) >= count, "the rest of the flood")
    world.mock.do("acknowledged", phone=world.me)
    assert {each["message"]["type"] for each in incoming()} == {"text"}
    assert {m["id"] for m in world.mock.inbox(world.bob)} == set(sent)
    assert not [each for each in world.mock.do("log")["log"] if each["event"] == "retry-sent"], "by Bob's phone"
    receipts = world.mock.do("seen", tag="receipt")["nodes"]
    assert not [each for each in receipts if each["attrs"].get("type") == "retry"], "by the bridge"
