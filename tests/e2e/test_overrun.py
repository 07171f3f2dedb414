"""A call that takes too long is answered for; what it was told must then be true."""

from __future__ import annotations

import threading

from client import Api, assert_refused, together
from shapes import GROUPS

SERVER_ENV = {"POMBO_HTTP_BUDGET_SECONDS": "1", "POMBO_HTTP_WORKERS": "2"}


def test_a_creation_that_was_answered_as_failed_is_not_made(api: Api, server, fresh, rows):
    names = [fresh() for _ in range(6)]
    with server.store.busy():  # for longer than the calls have
        replies = together(6, lambda i: api.create(names[i], **GROUPS["webhook"][0]))
    for reply in replies:
        assert_refused(reply, 500, "Failed to create instance")
    # A creation that goes through now has waited for whatever was still queued.
    after = api.created(fresh())
    assert [each["name"] for each in api.listed()] == [after["name"]]
    assert rows.query("SELECT count(*), (SELECT sum(instances) FROM account) FROM instance") == [(1, 1)]
    for name in names:
        api.created(name, **GROUPS["webhook"][0])


def test_a_deletion_that_was_answered_as_failed_is_not_done(api: Api, server, fresh):
    name = fresh()
    api.created(name)
    with server.store.busy():
        reply = api.delete(name)
    assert_refused(reply, 500, "Failed to delete instance: storage failure")
    api.created(fresh())
    assert name in api.names()
    assert api.delete(name).status == 200


def test_calls_that_wait_in_the_queue_are_answered_in_time_too(api: Api, server, fresh):
    with server.store.busy() as let_go:
        # Nobody lets go of the disk until all have their answer: were their time counted from when
        # a thread is free for them, the last would not be told before the lock is given up.
        done = threading.Semaphore(0)

        def create(_: int):
            reply = api.create(fresh())
            done.release()
            return reply

        def give_up() -> None:
            for _ in range(12):
                done.acquire()
            let_go()

        waiting = threading.Thread(target=give_up)
        waiting.start()
        replies = together(12, create)
        waiting.join()
    assert {reply.status for reply in replies} == {500}
