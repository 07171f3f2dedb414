import pytest

from conftest import World
from gateway import Failure, instance
from mock_whatsapp import Mock


def test_a_code_is_shown_scanned_and_the_instance_is_linked(world):
    who = instance()
    assert world.gateway.connect(who) == {"kind": "later", "code": ""}
    codes = world.store.state(who, "qr_ready")["codes"]
    assert len(codes) == 6
    world.mock.do("scan", phone=world.me, qr=codes[0])
    world.store.state(who, "connected")
    told = [e["data"] for e in world.store.of(who, "instance.state")]
    assert [d["state"] for d in told] == ["qr_ready", "pair_success", "manual_reconnect", "connected"]
    assert told[1] == {"state": "pair_success", "jid": f"{world.me}@s.whatsapp.net", "lid": f"8{world.me}@lid",
                       "businessName": "", "platform": "android"}
    assert told[3] == {"state": "connected", "jid": f"{world.me}@s.whatsapp.net", "lid": f"8{world.me}@lid"}


def test_codes_go_on_when_the_server_closes_before_a_scan(world):
    who = instance()
    world.gateway.connect(who)
    codes = world.store.state(who, "qr_ready")["codes"]
    after = len(world.store.events)
    world.mock.do("hangup", qr=codes[0])
    others = world.store.state(who, "qr_ready", after)["codes"]
    assert len(others) == 6 and not set(codes) & set(others)
    world.mock.do("scan", phone=world.me, qr=others[0])
    world.store.state(who, "connected", after)
    told = [e["data"]["state"] for e in world.store.of(who, "instance.state")]
    assert told == ["qr_ready", "qr_ready", "pair_success", "manual_reconnect", "connected"]


def test_a_number_is_linked_by_a_code_that_is_typed(world):
    who = instance()
    world.gateway.connect(who, number=world.me)
    shown = world.store.state(who, "qr_ready")
    assert shown["codes"] == [] and len(shown["pairingCode"]) == 8
    world.mock.do("account", phone=world.me)
    world.mock.do("code", phone=world.me, code=shown["pairingCode"])
    assert world.store.state(who, "connected")["jid"] == f"{world.me}@s.whatsapp.net"


def test_a_server_that_closes_without_a_word_is_joined_again(world):
    world.mock.do("account", phone=world.me, hasty=True)
    world.linked()


def test_a_wrong_code_links_nobody_and_the_right_one_still_does(world):
    who = instance()
    world.gateway.connect(who, number=world.me)
    code = world.store.state(who, "qr_ready")["pairingCode"]
    wrong = ("2" if code[0] == "1" else "1") + code[1:]
    world.mock.do("account", phone=world.me)
    world.mock.do("code", phone=world.me, code=wrong)
    after = len(world.store.events)
    world.gateway.connect(who, number=world.me)
    code = world.store.state(who, "qr_ready", after)["pairingCode"]
    world.mock.do("code", phone=world.me, code=code)
    world.store.state(who, "connected", after)
    assert [e["data"]["state"] for e in world.store.of(who)].count("pair_success") == 1


def test_a_newer_call_takes_the_place_of_one_that_waits(world):
    who = instance()
    world.gateway.connect(who)
    first = world.store.state(who, "qr_ready")["codes"][0]
    after = len(world.store.events)
    world.gateway.connect(who)
    second = world.store.state(who, "qr_ready", after)["codes"][0]
    assert first != second
    world.mock.do("scan", phone=world.me, qr=second)
    world.store.state(who, "connected")
    assert "disconnected" not in [e["data"]["state"] for e in world.store.of(who)]


def test_a_server_that_is_not_whatsapps_is_refused(world):
    world.root = False
    world.gateway.close()
    world.start()
    who = instance()
    world.gateway.connect(who)
    failure = world.store.state(who, "connect_failure")
    assert failure["reason"] == "the server is not WhatsApp's"


def test_a_certificate_that_another_has_issued_is_refused(binary, certificate, tmp_path):
    other = Mock(certificate, "wrongSerial")
    world = World(binary, tmp_path / "sessions", other)
    who = instance()
    world.gateway.connect(who)
    assert world.store.state(who, "connect_failure")["reason"] == "the server is not WhatsApp's"
    world.close()
    other.close()


def test_a_passkey_that_is_asked_for_is_told(world):
    who = instance()
    world.gateway.connect(who)
    world.mock.do("passkey", qr=world.store.state(who, "qr_ready")["codes"][0])
    assert world.store.state(who, "pair_error") == {"state": "pair_error", "reason": "passkey_required"}


def test_a_session_is_resumed_by_another_process(world):
    who = world.linked()
    world.restart()
    assert world.resume(who)["jid"] == f"{world.me}@s.whatsapp.net"


def test_without_a_session_there_is_nothing_to_resume(world):
    with pytest.raises(Failure) as failure:
        world.gateway.call("connector.reconnect", instance(), None)
    assert failure.value.code == "invalid"


def test_a_session_whose_key_is_gone_is_none(world):
    who = world.linked()
    world.restart()
    world.store.secrets.clear()
    with pytest.raises(Failure) as failure:
        world.gateway.call("connector.reconnect", who, None)
    assert failure.value.code == "invalid"


def test_a_session_is_open_in_one_process_only(world):
    who = world.linked()
    first = world.gateway
    second = world.start()
    with pytest.raises(Failure) as failure:
        second.call("connector.reconnect", who, None)
    assert failure.value.code == "unavailable"
    first.kill()
    world.resume(who)


def test_a_session_moves_to_another_process_that_has_the_same_folder(world):
    who = world.linked()
    world.gateway.call("connector.disconnect", who)
    world.start()
    world.resume(who)


def test_a_logout_unlinks_and_leaves_nothing(world):
    who = world.linked()
    assert list(world.folder.iterdir())
    world.gateway.call("connector.logout", who)
    assert not list(world.folder.iterdir()) and not world.store.secrets
    with pytest.raises(Failure):
        world.gateway.call("connector.reconnect", who, None)
    assert "logout" in [e["event"] for e in world.mock.do("log")["log"]]


def test_a_deleted_instance_leaves_nothing(world):
    who = world.linked()
    world.gateway.call("block.forget", who)
    assert not list(world.folder.iterdir())


def test_a_disconnected_instance_keeps_its_session(world):
    who = world.linked()
    world.gateway.call("connector.disconnect", who)
    assert world.store.state(who, "disconnected") == {"state": "disconnected", "reason": "closed"}
    world.resume(who)


def test_the_profile_is_what_is_known_with_a_link_and_without(world):
    nothing = {"name": None, "pictureUrl": None, "isBusiness": False, "businessName": "", "available": False}
    world.mock.do("account", phone=world.me, picture="https://pps.whatsapp.net/a")
    assert world.gateway.call("connector.profile", instance()) == nothing
    who = world.linked()
    asked = (world.gateway.call("connector.profile", who) for _ in range(20_000))
    shown = next(answer for answer in asked if answer != nothing)  # WhatsApp is asked beside all else
    assert shown == nothing | {"pictureUrl": "https://pps.whatsapp.net/a"}
    world.gateway.call("connector.disconnect", who)
    assert world.gateway.call("connector.profile", who) == shown
    world.restart()
    assert world.gateway.call("connector.profile", who) == shown
    world.gateway.call("connector.logout", who)
    assert world.gateway.call("connector.profile", who) == nothing


def test_the_profile_outlives_a_process_that_was_killed_while_linked(world):
    who = world.linked()
    world.mock.do("share", phone=world.me, name="Shop")
    world.restart()
    shown = world.gateway.call("connector.profile", who)
    assert (shown["name"], shown["available"]) == ("Shop", False)
    world.resume(who)
    world.start()  # beside the process that has the session open
    assert world.gateway.call("connector.profile", who) == shown


def test_the_profile_of_a_session_whose_key_is_gone_is_empty(world):
    who = world.linked()
    world.mock.do("share", phone=world.me, name="Shop")
    world.restart()
    world.store.secrets.clear()
    assert world.gateway.call("connector.profile", who)["name"] is None


@pytest.mark.parametrize("operation,body,state,fits", [
    ("unlink", {}, "logged_out",
     {"reason": "401: logged out from another device", "onConnect": False}),
    ("ban", {"reason": 403}, "logged_out", {"reason": "403: primary device was logged out", "onConnect": True}),
    ("ban", {"reason": 406}, "logged_out", {"reason": "406: logged out for unknown reason", "onConnect": True}),
    ("ban", {"reason": 405}, "client_outdated", {}),
    ("ban", {"reason": 409}, "connect_failure", {"code": 409}),
    ("ban", {"reason": 413}, "cat_refresh_error", {"reason": "the token could not be renewed"}),
    ("ban", {"reason": 414}, "cat_refresh_error", {"reason": "the token could not be renewed"}),
    ("tempban", {"code": 101, "expire": 3600}, "temp_banned", {"code": 101}),
    ("replace", {}, "stream_replaced", {}),
])
def test_whatever_ends_a_link_is_told(world, operation, body, state, fits):
    who = world.linked()
    world.mock.do(operation, phone=world.me, **body)
    told = world.store.state(who, state)
    assert {key: told[key] for key in fits} == fits
    if state == "temp_banned":
        assert told["expiresAt"].endswith("Z")
    with pytest.raises(Failure) as failure:
        world.gateway.perform(who, "message.text", chat=f"{world.bob}@s.whatsapp.net", source="api", message="hi",
                              linkPreview=False)
    assert failure.value.code == "unavailable"


@pytest.mark.parametrize("operation,body", [("unlink", {}), ("ban", {"reason": 406})])
def test_a_link_that_whatsapp_has_ended_leaves_nothing_to_resume(world, operation, body):
    who = world.linked()
    world.mock.do(operation, phone=world.me, **body)
    world.store.state(who, "logged_out")
    world.gateway.connect(who)  # waits for what is being cleared, and then there is a code again
    world.store.state(who, "qr_ready", len(world.store.of(who)) - 1)


def test_after_a_temporary_ban_the_session_is_there(world):
    who = world.linked()
    world.mock.do("tempban", phone=world.me, code=101, expire=60)
    world.store.state(who, "temp_banned")
    world.mock.do("tempban", phone=world.me, code=0)
    world.resume(who)


@pytest.mark.parametrize("how", ["drop", "busy"])
def test_a_lost_connection_is_opened_again(world, how):
    who = world.linked()
    after = len(world.store.events)
    if how == "drop":
        world.mock.do("drop", phone=world.me)
    else:
        world.mock.do("ban", phone=world.me, reason=503)
    lost = world.store.state(who, "disconnected", after)
    assert lost == {"state": "disconnected", "reason": "closed", "reconnecting": True}
    world.mock.do("ban", phone=world.me, reason=0)
    world.store.state(who, "connected", after)


def test_a_version_that_is_too_old_is_renewed_by_what_browsers_are_served(world):
    who = world.linked()
    after = len(world.store.events)
    world.mock.do("outdate", phone=world.me, revision=2_000_000_000)
    world.store.state(who, "client_outdated", after)
    world.store.state(who, "connected", after)
