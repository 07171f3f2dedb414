import random
import threading

from gateway import Failure, Gone

ROUNDS, FLOOD = 6, 40


def sender(world, who, stop, accepted):
    """Sends until it is told to stop, under ids and with texts of its own; notes what was accepted."""
    number = 0
    while not stop.is_set():
        number += 1
        text = f"{threading.get_ident()} {number}"
        gateway = world.gateway
        try:
            sent = gateway.perform(who, "message.text", chat=world.bobs["jid"], source="api", message=text,
                                   linkPreview=False)
            accepted.append((sent["id"], text))
        except (Failure, Gone):
            if stop.wait(0.01):  # whoever has no connection asks again
                return


def test_nothing_accepted_is_lost_and_nothing_repeated_but_under_its_id(world):
    who = world.linked()
    dice = random.Random(20261122)
    accepted, stop = [], threading.Event()
    threads = [threading.Thread(target=sender, args=(world, who, stop, accepted)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(ROUNDS):
        before = len(world.store.of(who, "message.exchange"))
        flood = threading.Thread(target=world.by_bob, args=("flood",), kwargs={"n": FLOOD})
        flood.start()
        enough = before + dice.randrange(FLOOD)
        world.store.wait(lambda: len(world.store.of(who, "message.exchange")) >= enough, "a part of it")
        world.restart()
        flood.join()
        world.resume(who)
    stop.set()
    for thread in threads:
        thread.join()
    world.mock.do("acknowledged", phone=world.me)

    told = world.store.of(who, "message.exchange")
    came = [(e["data"]["id"], e["data"]["message"]["content"]) for e in told if e["data"]["direction"] == "incoming"]
    assert len({text for _, text in came}) == FLOOD
    assert len({number for number, _ in came}) == ROUNDS * FLOOD, world.store.logged
    assert accepted
    for number, _ in accepted:
        world.mock.do("inbox", phone=world.bob, id=number)
    inbox = [(m["id"], m["message"]["extendedTextMessage"]["text"]) for m in world.mock.inbox(world.bob)]
    assert set(accepted) <= set(inbox)
    assert len({text for _, text in inbox}) == len({number for number, _ in inbox}), "a text went out under two ids"
    # What Bob has read was told of, though whoever sent it may have heard of a failure.
    ids = {e["data"]["id"] for e in told if e["data"]["direction"] == "outgoing"}
    late = {number for number, _ in inbox} - ids
    world.store.wait(lambda: late <= {e["data"]["id"] for e in world.store.of(who, "message.exchange")}, "the rest")
