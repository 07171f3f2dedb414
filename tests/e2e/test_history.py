"""What is told from storage: a chat's messages, a poll's votes; and what is forgotten."""

import pytest
from client import LIMIT_HEADERS, Api, assert_refused
from deliveries import message
from phones import ANA, BIA, Phone
from pombo_server import Server, until

OLD_VOTES = "SELECT count(*) FROM messages_votes WHERE at < '2021'"


@pytest.fixture
def phone(api, fresh):
    return Phone(api, fresh("history"))


def happens(phone, data):
    phone.happens(data)
    assert until(lambda: phone.ask("GET chat/getMessage", messageId=data["id"]).status == 200)


def at(second, chat=ANA):
    return message(f"Text {second}", chat) | {"timestamp": f"2026-11-21T12:00:0{second}Z"}


def history(phone, **fields):
    told = phone.told("POST chat/history", **({"number": ANA} | fields))
    assert list(told) == ["success", "message", "chat_jid", "messages", "count", "hasMore"]
    assert (told["success"], told["message"]) == (True, "History retrieved successfully")
    assert told["count"] == len(told["messages"])
    return told


def texts(told):
    return [each["content"] for each in told["messages"]]


def test_the_newest_come_first(phone):
    for second in (2, 1, 3):
        happens(phone, at(second))
    happens(phone, at(4, BIA))
    told = history(phone)
    assert (told["chat_jid"], told["hasMore"]) == (ANA, False)
    assert texts(told) == ["Text 3", "Text 2", "Text 1"]
    first = told["messages"][-1]
    assert first == {
        "messageId": first["messageId"], "messageType": "text", "direction": "incoming",
        "fromMe": False, "content": "Text 1", "timestamp": "2026-11-21T12:00:01Z",
        "senderJid": ANA, "status": "received", "mediaMimeType": None, "fileName": None,
        "replyTo": None, "isEdited": False, "isDeleted": False}


def test_pages_and_stretches(phone):
    for second in (1, 2, 3, 4):
        happens(phone, at(second))
    told = history(phone, count=3)
    assert (texts(told), told["hasMore"]) == (["Text 4", "Text 3", "Text 2"], True)
    told = history(phone, count="4")
    assert (len(told["messages"]), told["hasMore"]) == (4, False)
    assert texts(history(phone, **{"from": "2026-11-21T12:00:03Z"})) == ["Text 4", "Text 3"]
    assert texts(history(phone, to="2026-11-21T09:00:02.9-03:00")) == ["Text 2", "Text 1"]
    assert texts(history(phone, **{"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z",
                                   "count": 1})) == ["Text 4"]
    assert texts(history(phone, **{"from": "2026-11-21T12:00:03Z",
                                   "to": "2026-11-21T12:00:02Z"})) == []


def test_a_brazilian_number_is_found_in_both_forms(phone):
    old = "551188880000@s.whatsapp.net"
    happens(phone, at(1, old))
    told = history(phone, number="+55 (11) 98888-0000")
    assert (told["chat_jid"], texts(told)) == (old, ["Text 1"])
    told = history(phone, number="5511977770000")
    assert (told["chat_jid"], texts(told)) == (BIA, [])


def test_it_is_there_without_a_link(phone):
    happens(phone, at(1))
    phone.told("POST simulator/disconnect")
    assert until(lambda: phone.ask("POST chat/archive", number=ANA).status == 503)
    assert texts(history(phone)) == ["Text 1"]


@pytest.mark.parametrize("fields, said", [
    ({"number": None}, "Number is required"), ({"number": "Ana"}, "Invalid number: Ana"),
    ({"count": 0}, "The 'count' field must be between 1 and 500"),
    ({"count": 501}, "The 'count' field must be between 1 and 500"),
    ({"count": "many"}, "Invalid request body: The 'count' field must be an integer"),
    *[({key: time}, f"invalid '{key}' date format. Use ISO 8601 format "
                    "(e.g., '2026-02-16T18:32:39Z')")
      for key in ("from", "to")
      for time in ("yesterday", "2026-02-16", "2026-02-16T18:32:39", "2026-02-30T18:32:39Z",
                   "2026-02-16T18:32:39+24:00", "2026-02-16T18:32:39.Z", 1771266759)]])
def test_what_is_refused(phone, fields, said):
    phone.refused(400, said, "POST chat/history", **({"number": ANA} | fields))


# Polls ----------------------------------------------------------------------------------------


def vote(poll, voter, names, time):
    person = {"jid": voter, "lid": None, "name": voter[:5]}
    return message(chat=ANA) | {
        "timestamp": time, "sender": person,
        "message": {"type": "poll_update", "content": ", ".join(names),
                    "poll": {"message_id": poll, "title": "Lunch?",
                             "options": [{"name": name} for name in names], "voter": person}}}


def test_votes_are_counted(phone):
    poll = phone.told("POST message/poll", number=ANA, question="Lunch?",
                      options=["Pizza", "Salad"], maxAnswer=2)["data"]["messageId"]
    nothing = {"success": True, "message": "Poll votes retrieved successfully",
               "message_id": poll, "question": "Lunch?", "max_answer": 2,
               "options": [{"name": "Pizza", "votes": 0, "voters": []},
                           {"name": "Salad", "votes": 0, "voters": []}], "total_votes": 0}
    assert phone.told("GET chat/poll", messageId=poll) == nothing
    first, second, third = (f"2026-11-21T12:00:0{n}Z" for n in (1, 2, 3))
    for each in (vote(poll, ANA, ["Salad"], first), vote(poll, BIA, ["Pizza", "Soup"], second),
                 vote(poll, ANA, ["Pizza", "Salad"], third), vote("3EB0X", BIA, ["Salad"], third)):
        happens(phone, each)
    ana, bia = ({"jid": who, "lid": None, "name": who[:5], "timestamp": time}
                for who, time in ((ANA, third), (BIA, second)))
    assert phone.told("GET chat/poll", messageId=poll) == nothing | {
        "options": [{"name": "Pizza", "votes": 2, "voters": [bia, ana]},
                    {"name": "Salad", "votes": 1, "voters": [ana]}], "total_votes": 3}
    happens(phone, vote(poll, ANA, [], third))
    assert phone.told("GET chat/poll", messageId=poll)["total_votes"] == 1


def test_what_is_no_poll(phone):
    phone.refused(400, "messageId query parameter is required", "GET chat/poll")
    phone.refused(404, "Poll not found", "GET chat/poll", messageId="3EB0NONE")
    happens(phone, data := message(chat=ANA))
    phone.refused(404, "Poll not found", "GET chat/poll", messageId=data["id"])


def test_what_is_told_from_storage_has_limits_too(phone):
    assert phone.ask("POST chat/history", number=ANA).limit_headers == LIMIT_HEADERS
    assert_refused(phone.api.call("POST", f"/api/chat/history/{phone.segment}", b"{"), 400,
                   "Invalid request body: incomplete JSON")


# What is forgotten ----------------------------------------------------------------------------


def test_what_was_kept_for_long_enough_is_gone_without_another_message(server, phone):
    old, new = message(chat=ANA) | {"timestamp": "2020-01-01T00:00:00Z"}, message(chat=ANA)
    happens(phone, new)
    happens(phone, old)
    phone.happens(vote(old["id"], BIA, ["x"], "2020-01-01T00:00:00Z"))
    assert until(lambda: server.store.query(OLD_VOTES) == [(1,)])
    server.stop()
    server.start()
    phone.refused(404, "Message not found", "GET chat/getMessage", messageId=old["id"])
    assert phone.told("GET chat/getMessage", messageId=new["id"])["data"]["senderJid"] == ANA
    assert server.store.query(OLD_VOTES) == [(0,)]


def test_nothing_is_left_of_a_deleted_instance(tmp_path):
    with Server(data_dir=tmp_path) as server:
        phone = Phone(Api(server, server.account("a")), "shop")
        happens(phone, vote("3EB0X", BIA, ["x"], "2026-11-21T12:00:00Z"))
        phone.told("POST chat/tag", name="VIP")
        phone.told("POST chat/assignTag", number=ANA, tagId="1")
        phone.told("POST message/text", number=ANA, message="Hello")
        tables = ["kept", "counts", "chats", "spans", "votes", "labels", "labelled", "contacts"]

        def rows():
            return [server.store.query(f"SELECT count(*) FROM messages_{table}")[0][0] > 0
                    for table in tables]

        assert until(lambda: all(rows()))
        assert phone.api.delete("shop").status == 200
        assert until(lambda: not any(rows()))
