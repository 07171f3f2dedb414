"""GET /api/instance/list and DELETE /api/instance/delete/:instance."""

from urllib.parse import quote

import pytest
from client import Api, assert_refused
from shapes import DISCONNECTED, GROUPS, LISTED_KEYS, NO_PROFILE


@pytest.fixture(scope="module")
def shop(new_account) -> Api:
    """An account with three instances; its tests change none."""
    account = new_account()
    for name in ("b b", "a", "é"):
        account.created(name)
    return account


def names_in(reply) -> list[str]:
    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "instances", "meta"}
    assert reply.json["success"] is True
    names = [each["name"] for each in reply.json["instances"]]
    assert reply.json["meta"] == {"total": len(names)}
    assert reply.json["message"] == \
        ("1 Instance found" if len(names) == 1 else f"{len(names)} Instances found")
    return names


def test_an_empty_account(new_account):
    assert names_in(new_account().list()) == []


def test_all_instances_by_name(shop):
    reply = shop.list()
    assert names_in(reply) == ["a", "b b", "é"]
    for each in reply.json["instances"]:
        assert set(each) == LISTED_KEYS
        assert each["connection"] == DISCONNECTED
        assert each["profile"] == NO_PROFILE


@pytest.mark.parametrize("value, found", [
    ("a", ["a"]), ("b%20b", ["b b"]), ("%20a%20", ["a"]), ("%C3%A9", ["é"]), ("e%CC%81", ["é"]),
    ("", ["a", "b b", "é"]), ("a,%20b%20b%20,gone", ["a", "b b"]), ("gone,a", ["a"]),
    ("gone,lost", []), ("a,a", ["a"]), ("a,&foo=bar", ["a"]),
])
def test_the_filter(shop, value, found):
    assert sorted(names_in(shop.list("?instanceName=" + value))) == found


@pytest.mark.parametrize("value", ["gone", "A", "b+b", "%25", "'%20OR%201=1", "%ff", "%00"])
def test_one_name_that_is_not_there(shop, value):
    assert_refused(shop.list("?instanceName=" + value), 404, "Instance not found")


@pytest.mark.parametrize("query", ["", "?instanceName=a", "?instanceName=gone",
                                   "?instanceName=a,gone"])
def test_an_instance_sees_itself_whatever_it_asks_for(shop, query):
    token = shop.listed("?instanceName=b%20b")[0]["token"]
    assert names_in(shop.as_(token).list(query)) == ["b b"]


def test_accounts_do_not_see_each_other(shop, new_account):
    other = new_account()
    other.created("mine")
    assert names_in(other.list()) == ["mine"]
    assert_refused(other.list("?instanceName=a"), 404, "Instance not found")
    assert names_in(other.list("?instanceName=a,mine")) == ["mine"]


@pytest.mark.parametrize("token", [None, "", "pmb_" + "x" * 43])
def test_the_list_is_for_those_who_are_known(shop, token):
    assert_refused(shop.as_(token).list(), 401, "Invalid token")


def test_a_list_that_fails(shop, server):
    server.store.execute("ALTER TABLE block_row RENAME TO block_row_away")
    try:
        reply = shop.list()
    finally:
        server.store.execute("ALTER TABLE block_row_away RENAME TO block_row")
    assert_refused(reply, 500, "Failed to list instances")
    assert names_in(shop.list()) == ["a", "b b", "é"]


# Deleting -------------------------------------------------------------------------------------

DELETED = {"success": True, "message": "Instance deleted", "instance": {"status": "deleted"}}


def test_what_is_deleted_is_gone(api, fresh, rows):
    name = fresh("ü x")
    everything = {key: value for fields, _ in GROUPS.values() for key, value in fields.items()}
    instance = api.created(name, **everything)
    reply = api.delete(quote(name))
    assert (reply.status, reply.json) == (200, DELETED)

    assert_refused(api.list("?instanceName=" + quote(name)), 404, "Instance not found")
    assert_refused(api.as_(instance["token"]).list(), 401, "Invalid token")
    assert_refused(api.delete(quote(name)), 404, "Instance not found")
    for table, column in (("instance", "id"), ("block_row", "instance_id")):
        assert rows.query(f"SELECT * FROM {table} WHERE {column} = ?", instance["id"]) == []


def test_a_body_that_is_no_json_deletes_nothing(api, fresh):
    name = fresh()
    api.created(name)
    for body in (b"{", b"[]", b'{"a":1,"a":1}'):
        reply = api.call("DELETE", f"/api/instance/delete/{name}", body)
        assert_refused(reply, 400, "Invalid request body")
    assert name in api.names()


def test_fields_that_deleting_does_not_know(api, fresh):
    name = fresh()
    api.created(name)
    reply = api.call("DELETE", f"/api/instance/delete/{name}?bar=1", {"foo": 1})
    assert (reply.status, reply.json) == \
        (200, DELETED | {"warnings": ["Unknown field 'foo' was ignored"]})


def test_deleting_frees_quota_name_and_token(new_account, fresh):
    account = new_account(quota=1)
    name, token = fresh(), fresh("my-token")
    account.created(name, token=token)
    assert_refused(account.create(name, token=token), 403, "Account instance quota exceeded")
    assert account.delete(name).status == 200
    again = account.created(name, token=token)
    assert [each["id"] for each in account.as_(token).listed()] == [again["id"]]


def test_what_is_created_again_has_nothing_of_the_one_before(api, fresh):
    name = fresh()
    first = api.created(name, **GROUPS["webhook"][0], ignoreStatus="broken")
    assert api.delete(name).status == 200
    second = api.created(name)
    assert second["id"] != first["id"]
    assert not second["webhook"]["enabled"]
    assert "error" not in second["settings"]


@pytest.mark.parametrize("own", [True, False], ids=["its own", "another"])
def test_an_instance_deletes_nothing(api, fresh, own):
    name, other = fresh(), fresh()
    token = api.created(name)["token"]
    api.created(other)
    assert_refused(api.as_(token).delete(name if own else other), 401, "Invalid token")
    assert {name, other} <= set(api.names())


@pytest.mark.parametrize("token", [None, "nobodys-token"])
def test_strangers_delete_nothing(api, fresh, token):
    name = fresh()
    api.created(name)
    assert_refused(api.as_(token).delete(name), 401, "Invalid token")
    assert name in api.names()


def test_another_account_deletes_nothing(api, new_account, fresh):
    name = fresh()
    api.created(name)
    assert_refused(new_account().delete(name), 404, "Instance not found")
    assert name in api.names()


def test_a_deletion_that_fails_changes_nothing(api, fresh, server, rows):
    name = fresh()
    api.created(name, **GROUPS["webhook"][0])
    before = rows.counts()
    with server.store.refusing("DELETE", "instance"):
        reply = api.delete(name)
    assert reply.status == 500
    assert reply.json["error"]["message"].startswith("Failed to delete instance: ")
    assert b"fire" not in reply.raw and b"SQL" not in reply.raw
    assert rows.counts() == before
    assert api.delete(name).json == DELETED
