"""How far a message has come, whatever is told first, and by whatever name of its chat."""

import pytest
from client import assert_refused
from deliveries import message
from phones import ANA, BIA, Phone, counted
from pombo_server import until


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("status"))


def named(jid, lid=None):
    return {"jid": jid, "lid": lid, "type": "private"}


def receipt(phone, status, sent, chat):
    phone.happens({"status": status, "messageIds": [sent], "chat": chat,
                   "recipient": {"jid": chat["jid"]}}, "message.status")


def typed(phone, chat):
    """The id of a message that was written on the phone."""
    data = message() | {"direction": "outgoing", "chat": chat}
    phone.happens(data)
    assert until(lambda: phone.ask("GET chat/status", messageId=data["id"]).status == 200)
    return data["id"]


def unanswered(phone):
    """The id of a message that WhatsApp has not answered."""
    phone.told("POST simulator/network", answers=False)
    assert_refused(phone.ask("POST message/text", number=ANA, message="Hello"), 504,
                   "Timed out waiting for WhatsApp")
    [kept] = phone.told("POST chat/history", number=ANA)["messages"]
    return kept["messageId"]


def comes_to(phone, sent, status):
    assert until(lambda: phone.told("GET chat/status", messageId=sent)["status"] == status)
    assert counted(phone) == {"failed" if status == "error" else status: 1}


# Before anybody has told that it was sent ------------------------------------------------------


def test_a_receipt_may_come_before_its_message(phone):
    sent = unanswered(phone)
    receipt(phone, "delivered", sent, named("7@lid"))
    comes_to(phone, sent, "delivered")
    phone.told("POST simulator/network", answers=True)
    comes_to(phone, sent, "read")
    assert phone.told("GET instance/metrics")["metrics"]["messagesSent"] == 1


def test_what_was_given_up_may_have_arrived(phone):
    sent = unanswered(phone)
    receipt(phone, "server_error", sent, named(ANA))
    comes_to(phone, sent, "error")
    receipt(phone, "delivered", sent, named(ANA))
    comes_to(phone, sent, "delivered")
    receipt(phone, "server_error", sent, named(ANA))
    receipt(phone, "read", sent, named(ANA))
    comes_to(phone, sent, "read")
    phone.told("POST simulator/network", answers=True)
    assert until(lambda: phone.told("GET instance/metrics")["metrics"]["messagesSent"] == 1)
    comes_to(phone, sent, "read")


def test_what_was_given_up_and_is_told_of_was_sent(phone):
    sent = unanswered(phone)
    receipt(phone, "server_error", sent, named(ANA))
    comes_to(phone, sent, "error")
    phone.told("POST simulator/network", answers=True)
    comes_to(phone, sent, "read")


# After that -----------------------------------------------------------------------------------


def test_what_was_refused_by_the_server_may_have_arrived(phone):
    sent = typed(phone, named(ANA))
    assert counted(phone) == {"sent": 1}
    for told, status in (("server_error", "error"), ("delivered", "delivered"), ("read", "read")):
        receipt(phone, told, sent, named(ANA))
        comes_to(phone, sent, status)


@pytest.mark.parametrize("kept, told", [
    (named(ANA, "7@lid"), named("7@lid")), (named("7@lid"), named(ANA, "7@lid"))],
    ids=["hidden", "shown"])
def test_a_receipt_names_the_chat_by_either_address(phone, kept, told):
    sent = typed(phone, kept)
    receipt(phone, "delivered", sent, told)
    comes_to(phone, sent, "delivered")


def test_a_receipt_names_the_chat_by_a_number_that_the_phone_knows(phone):
    sent = typed(phone, named("7@lid"))
    phone.told("POST simulator/contact", number=ANA.split("@")[0], lid="7@lid")
    receipt(phone, "played", sent, named(BIA))  # she has no say in it
    receipt(phone, "delivered", sent, named(ANA))
    comes_to(phone, sent, "delivered")
