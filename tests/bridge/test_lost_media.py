"""Files that WhatsApp's server has lost, and the phone uploads again, or has not either."""

import base64
import os

import pytest

from gateway import Failure

GROUP = "120363000000000001@g.us"


class Lost:
    """A message of Bob's whose file is gone, unless another one is said to have sent it."""

    def __init__(self, world, who, status=404, by=None, **more):
        self.world, self.who, self.file = world, who, os.urandom(20_000)
        self.people = {"from": by or world.bob, "to": world.me}
        after = len(world.store.events)
        self.id = self.do("media", mimetype="image/png", data=base64.b64encode(self.file).decode(), **more)["id"]
        told = world.store.wait_event(who, "message.exchange", lambda d: d["id"] == self.id, after)
        self.key = told["mediaKey"]
        self.do("lose", id=self.id, status=status)

    def do(self, operation, **body):
        return self.world.mock.do(operation, **self.people, **body)

    def begin(self):
        return self.world.gateway.begin("connector.media", self.who, self.key)

    def refused(self, times):
        self.do("refused", id=self.id, times=times)

    def answer(self, **answer):
        self.do("reupload", id=self.id, **answer)

    def is_answered_to(self, call):
        found, files = self.world.gateway.end(call)
        with os.fdopen(files[found["file"]], "rb") as file:
            return (found["mimeType"], os.pread(file.fileno(), found["size"] + 1, 0)) == ("image/png", self.file)

    def failure_of(self, call):
        with pytest.raises(Failure) as failure:
            self.world.gateway.end(call)
        return failure.value.code, failure.value.sentence


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize("chat", [{}, {"group": GROUP}], ids=["private", "group"])
def test_a_file_that_is_lost_is_uploaded_again_by_the_phone(world, status, chat):
    who = world.linked()
    lost = Lost(world, who, status, **chat)
    call = lost.begin()
    world.mock.do("heard", tag="receipt", child="rmr", attrs={"id": lost.id, "type": "server-error"})
    lost.answer()
    assert lost.is_answered_to(call)


@pytest.mark.parametrize("answer,failure", [
    ({"result": "NOT_FOUND"}, ("notFound", "Media not found")),
    ({"code": 2}, ("notFound", "Media not found")),
    ({"result": "GENERAL_ERROR"}, ("unavailable", "Media could not be uploaded again")),
    ({"code": 1}, ("unavailable", "Media could not be uploaded again")),
])
def test_what_the_phone_has_not_either_is_gone_and_what_it_fails_at_may_be_asked_for_again(world, answer, failure):
    who = world.linked()
    lost = Lost(world, who)
    lost.answer(**answer)
    assert lost.failure_of(lost.begin()) == failure
    lost.answer()
    assert lost.is_answered_to(lost.begin())


def test_all_who_ask_for_a_file_at_once_get_it(world):
    who = world.linked()
    lost = Lost(world, who)
    calls = [lost.begin() for _ in range(3)]
    lost.refused(times=3)
    lost.answer()
    assert all(lost.is_answered_to(call) for call in calls)


@pytest.mark.parametrize("answer", [{"result": "NOT_FOUND"}, {"code": 2}], ids=["sealed", "open"])
def test_an_answer_is_of_no_file_that_another_chat_has_sent_under_the_same_id(world, answer):
    who = world.linked()
    carol = f"1557{world.bob[4:]}"
    mine, hers = Lost(world, who, id="3EB0SAME"), Lost(world, who, by=carol, id="3EB0SAME")
    my_call, her_call = mine.begin(), hers.begin()
    mine.refused(times=1)
    hers.refused(times=1)
    hers.answer(**answer)
    assert hers.failure_of(her_call) == ("notFound", "Media not found")
    mine.answer()
    assert mine.is_answered_to(my_call)
