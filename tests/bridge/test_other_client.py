"""What the mock does beyond a plain link, seen by a client that is not the bridge's library: first of all tests here,
since one that both misunderstand in the same way would prove nothing."""

import base64
import hashlib
import itertools
import json
import os
import subprocess
import threading

import pytest

from mock_whatsapp import MODULES

PATIENCE = 60
NUMBERS = itertools.count(15_560_000_001)


class Client:
    """tests/mock-whatsapp/client.mjs, not linked yet."""

    def __init__(self, mock, authority):
        self.mock, self.phone, self.bob = mock, str(next(NUMBERS)), str(next(NUMBERS))
        self.bobs = f"{self.bob}@s.whatsapp.net"
        mock.do("contact", phone=self.bob, name="Bob")
        server = {"url": mock.address, "rootPublicKey": mock.root}
        self.process = subprocess.Popen(
            ["node", str(MODULES / "client.mjs"), json.dumps(server)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | {"NODE_EXTRA_CA_CERTS": str(authority)})
        self.ids = itertools.count(1)
        self.told, self.answers = [], {}
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                said = json.loads(line)
                if "event" in said:
                    self.told.append((said["event"], said["data"]))
                else:
                    self.answers[said["id"]] = said
                self.changed.notify_all()

    def wait(self, kind, fits=lambda data: True, after=0):
        def found():
            return next((data for event, data in self.told[after:] if event == kind and fits(data)), None)
        with self.changed:
            assert self.changed.wait_for(found, PATIENCE), f"no {kind}; last: {self.told[-3:]}"
            return found()

    def call(self, name, *given):
        number = next(self.ids)
        self.process.stdin.write(json.dumps({"id": number, "call": name, "with": given}) + "\n")
        self.process.stdin.flush()
        with self.changed:
            assert self.changed.wait_for(lambda: number in self.answers, PATIENCE), f"no answer of {name}"
            answer = self.answers.pop(number)
        assert "error" not in answer, (name, answer)
        return answer["result"]

    def do(self, operation, **body):
        """What is done to this client's account."""
        return self.mock.do(operation, phone=self.phone, **body)

    def by_bob(self, operation, **body):
        return self.mock.do(operation, **{"from": self.bob, "to": self.phone}, **body)

    def qr(self):
        return self.wait("connection.update", lambda d: d.get("qr"))["qr"]

    def opened(self, after=0):
        self.wait("connection.update", lambda d: d.get("connection") == "open", after)
        return self

    def closed(self, after=0):
        return self.wait("connection.update", lambda d: d.get("connection") == "close", after)["code"]

    def message(self, sent, after=0):
        return self.wait("message", lambda d: d["key"]["id"] == sent and d.get("message"), after)

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def authority(certificate, tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "authority.pem"
    path.write_text(certificate.authority)
    return path


@pytest.fixture
def unlinked(mock, authority):
    client = Client(mock, authority)
    yield client
    client.close()


@pytest.fixture(scope="module")
def steady(mock, authority):
    """One that no test ends."""
    made = Client(mock, authority)
    made.do("scan", qr=made.qr())
    yield made.opened()
    made.close()


@pytest.mark.parametrize("hasty", [False, True])
def test_it_is_linked_by_a_code_comes_back_however_the_server_closes_and_is_unlinked(unlinked, hasty):
    unlinked.do("account", hasty=hasty)
    unlinked.qr()
    unlinked.do("code", code=unlinked.call("requestPairingCode", unlinked.phone))
    assert unlinked.closed() == (428 if hasty else 515)
    unlinked.opened()
    after = len(unlinked.told)
    unlinked.do("unlink")
    assert unlinked.closed(after) == 401


@pytest.mark.parametrize("more", [{}, {"garble": True}], ids=["whole", "damaged"])
def test_a_message_comes_in_and_is_acknowledged(steady, more):
    sent = steady.by_bob("message", message={"conversation": "good morning"}, **more)["id"]
    assert steady.message(sent)["message"]["conversation"] == "good morning"
    steady.do("acknowledged")
    assert steady.do("pending") == {"ids": []}


def test_many_messages_come_in_order(steady):
    after = len(steady.told)
    steady.by_bob("flood", n=20)
    steady.wait("message", lambda d: d["message"].get("conversation") == "flood 19", after)
    told = [d["message"]["conversation"] for event, d in steady.told[after:] if event == "message"]
    assert told == [f"flood {number}" for number in range(20)]
    steady.do("acknowledged")


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document", "sticker"])
def test_a_file_comes_in_whole(steady, kind):
    file = os.urandom(20_000)
    sent = steady.by_bob("media", type=kind, mimetype="x/y", data=base64.b64encode(file).decode())["id"]
    steady.message(sent)
    assert base64.b64decode(steady.call("download", sent)["data"]) == file


def test_a_file_that_is_lost_is_uploaded_again_by_the_phone(steady):
    file = os.urandom(20_000)
    sent = steady.by_bob("media", mimetype="x/y", data=base64.b64encode(file).decode())["id"]
    steady.message(sent)
    steady.by_bob("lose", id=sent, status=410)
    with pytest.raises(AssertionError, match="Failed to fetch"):
        steady.call("download", sent)
    steady.by_bob("reupload", id=sent)
    steady.call("reupload", sent)
    assert base64.b64decode(steady.call("download", sent)["data"]) == file


@pytest.mark.parametrize("answer", [{"result": "NOT_FOUND"}, {"code": 2}], ids=["sealed", "open"])
def test_a_file_that_the_phone_has_lost_as_well_is_gone(steady, answer):
    sent = steady.by_bob("media", data=base64.b64encode(b"file").decode())["id"]
    steady.message(sent)
    steady.by_bob("lose", id=sent)
    steady.by_bob("reupload", id=sent, **answer)
    with pytest.raises(AssertionError, match="re-upload"):
        steady.call("reupload", sent)


def test_a_file_goes_out_whole(steady):
    file = os.urandom(20_000)
    content = {"document": {"type": "Buffer", "data": base64.b64encode(file).decode()}, "mimetype": "x/y", "fileName": "a"}
    sent = steady.call("sendMessage", steady.bobs, content)["key"]["id"]
    steady.mock.do("inbox", phone=steady.bob, id=sent)
    assert steady.mock.do("openmedia", phone=steady.bob) == {"size": len(file), "sha256": hashlib.sha256(file).hexdigest()}


@pytest.mark.parametrize("asks", ["by itself", "when it is told to"])
def test_what_a_phone_could_not_read_is_sent_again(steady, asks):
    steady.call("sendMessage", steady.bobs, {"text": "first"})
    steady.mock.do("forget", phone=steady.bob)
    if asks != "by itself":
        steady.mock.do("mute", phone=steady.bob)
    sent = steady.call("sendMessage", steady.bobs, {"text": "again"})["key"]["id"]
    if asks != "by itself":
        steady.by_bob("retry", id=sent)
    mail = steady.mock.do("inbox", phone=steady.bob, id=sent)["messages"]
    assert next(m for m in mail if m["id"] == sent)["message"]["extendedTextMessage"]["text"] == "again"


def test_receipts_come_in(steady):
    sent = steady.call("sendMessage", steady.bobs, {"text": "one"})["key"]["id"]
    steady.message(sent)
    for kind, status in ((None, 3), ("read", 4), ("played", 5)):
        steady.by_bob("receipt", ids=[sent], **({"type": kind} if kind else {}))
        steady.wait("messages.update", lambda all: any(
            each["key"]["id"] == sent and each["update"].get("status") == status for each in all))


def test_a_call_rings(steady):
    call = steady.by_bob("call", video=True)["callId"]
    offer = steady.wait("call", lambda all: all[0]["id"] == call)[0]
    assert (offer["from"], offer["status"], offer["isVideo"]) == (steady.bobs, "offer", True)


def test_what_is_typed_on_the_phone_is_its_own(steady):
    sent = steady.do("typed", to=steady.bobs, message={"conversation": "from my phone"})["id"]
    told = steady.message(sent)
    assert told["key"]["fromMe"] and told["key"]["remoteJid"] == steady.bobs
    assert told["message"]["conversation"] == "from my phone"


def test_a_vote_is_opened_by_the_secret_of_its_poll(steady):
    poll = {"name": "Lunch?", "values": ["Pizza", "Salad", "Soup"], "selectableCount": 2}
    sent = steady.call("sendMessage", steady.bobs, {"poll": poll})["key"]["id"]
    steady.mock.do("inbox", phone=steady.bob, id=sent)
    vote = steady.by_bob("vote", poll=sent, options=["Salad", "Soup"])["id"]
    steady.message(vote)
    chosen = steady.call("openVote", vote, f"{steady.phone}@s.whatsapp.net", steady.bobs)["selectedOptions"]
    hashes = [hashlib.sha256(option.encode()).digest() for option in ("Salad", "Soup")]
    assert [base64.b64decode(each) for each in chosen] == hashes


def test_a_history_is_read_and_a_broken_part_of_it_does_no_harm(steady):
    def history(name):
        return {"syncType": "RECENT", "conversations": [{"id": steady.bobs, "messages": [{"message": {
            "key": {"remoteJid": steady.bobs, "fromMe": False, "id": name}, "messageTimestamp": 1_700_000_000,
            "message": {"conversation": "long ago"}}}]}]}
    steady.do("history", history=history("OLD0"), broken=True)
    steady.do("history", history=history("OLD1"))
    told = steady.wait("messaging-history.set")["messages"]
    assert [(m["key"]["id"], m["message"]["conversation"]) for m in told] == [("OLD1", "long ago")]


def test_what_phones_share_is_read_both_ways(steady):
    label = {"labelEditAction": {"name": "VIP", "color": 2, "deleted": False}}
    steady.do("share", name="Shop", before=[["regular", ["label_edit", "3"], label]])
    assert steady.wait("labels.edit", lambda d: d["id"] == "3")["name"] == "VIP"
    contact = {"contactAction": {"fullName": "Bob Li", "firstName": "Bob"}}
    steady.do("change", name="critical_unblock_low", index=["contact", steady.bobs], action=contact)
    assert steady.wait("contacts.upsert")[0]["name"] == "Bob Li"
    steady.call("addChatLabel", steady.bobs, "3")
    change = steady.do("shared")["changes"][-1]
    assert change["index"] == ["label_jid", "3", steady.bobs]
    assert change["value"]["labelAssociationAction"] == {"labeled": True}


def test_a_group_is_made_changed_by_others_and_spoken_in(steady):
    group = steady.call("groupCreate", "Team", [steady.bobs])["id"]
    steady.by_bob("changegroup", group=group, changes=[{"tag": "subject", "attrs": {"subject": "Crew"}}])
    told = steady.wait("groups.update", lambda all: all[0].get("subject"))[0]
    assert (told["id"], told["subject"], told["author"]) == (group, "Crew", f"9{steady.bob}@lid")
    sent = steady.call("sendMessage", group, {"text": "hello team"})["key"]["id"]
    mail = steady.mock.do("inbox", phone=steady.bob, id=sent)["messages"]
    assert mail[-1]["to"] == group and mail[-1]["message"]["extendedTextMessage"]["text"] == "hello team"
    sent = steady.by_bob("message", group=group, message={"conversation": "hello you"})["id"]
    key = steady.message(sent)["key"]
    assert (key["remoteJid"], key["participant"], key["participantAlt"]) == (group, f"9{steady.bob}@lid", steady.bobs)


def test_each_end_has_its_code_and_most_can_be_lifted(unlinked):
    unlinked.do("scan", qr=unlinked.qr())
    unlinked.opened()
    for operation, body, lifted, code in (
            ("drop", {}, None, 428), ("replace", {}, None, 440), ("tempban", {"code": 101}, {"code": 0}, 402),
            ("ban", {"reason": 403}, {"reason": 0}, 403)):
        after = len(unlinked.told)
        unlinked.do(operation, **body)
        assert unlinked.closed(after) == code
        if lifted:
            unlinked.do(operation, **lifted)
        if operation != "drop":  # after which it comes back by itself
            unlinked.call("open")
        unlinked.opened(after)
    after = len(unlinked.told)
    unlinked.do("outdate", revision=9_999_999_999)
    unlinked.wait("connection.update", lambda d: d.get("code") == 405, after)
    unlinked.do("outdate", revision=0)
    after = len(unlinked.told)
    unlinked.call("open")
    unlinked.opened(after)


def test_what_it_says_is_heard(steady):
    steady.call("sendPresenceUpdate", "composing", steady.bobs)
    steady.mock.do("heard", tag="chatstate", child="composing", attrs={"to": steady.bobs})
    assert steady.mock.do("peers")["addresses"] == ["127.0.0.1"]
