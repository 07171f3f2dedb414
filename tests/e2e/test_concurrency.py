"""Many creations at the same moment."""

from collections import Counter

import pytest
from client import Api, together

MANY = 64


def outcome(replies) -> Counter:
    return Counter((reply.status, reply.json.get("error", {}).get("message")) for reply in replies)


@pytest.mark.row("Q5")
def test_a_quota_is_never_exceeded(new_account):
    account = new_account(quota=10)
    replies = together(MANY, lambda number: account.create(f"n{number}"))
    assert outcome(replies) == {(201, None): 10, (403, "Account instance quota exceeded"): 54}
    won = [reply.json["instance"]["name"] for reply in replies if reply.status == 201]
    assert sorted(won) == account.names()


@pytest.mark.row("N8")
def test_a_name_is_given_once(new_account):
    account = new_account()
    replies = together(MANY, lambda number: account.create("one"))
    assert outcome(replies) == {(201, None): 1, (409, "Instance or token already exists"): 63}
    [won] = [reply.json["instance"] for reply in replies if reply.status == 201]
    assert [each["id"] for each in account.listed()] == [won["id"]]


@pytest.mark.row("N8")
def test_a_token_is_given_once_over_all_accounts(new_account, server):
    accounts = [new_account() for _ in range(4)]
    replies = together(MANY, lambda number: accounts[number % 4].create(f"n{number}",
                                                                        token="one-for-all"))
    assert outcome(replies) == {(201, None): 1, (409, "Instance or token already exists"): 63}
    [won] = [reply.json["instance"] for reply in replies if reply.status == 201]
    assert sum((account.names() for account in accounts), []) == [won["name"]]
    assert [each["id"] for each in Api(server, "one-for-all").listed()] == [won["id"]]


def test_a_limit_is_never_exceeded(new_account):
    account = new_account(create_limit=10)
    replies = together(MANY, lambda number: account.create(f"n{number}"))
    assert outcome(replies) == {(201, None): 10, (429, "Rate limit exceeded. Try again later."): 54}
    assert len(account.names()) == 10


def test_an_instance_is_deleted_once(new_account):
    account = new_account(quota=1)
    account.created("one")
    replies = together(MANY, lambda number: account.delete("one"))
    assert outcome(replies) == {(200, None): 1, (404, "Instance not found"): 63}
    # The quota was given back once, not 64 times.
    replies = together(MANY, lambda number: account.create(f"n{number}"))
    assert outcome(replies) == {(201, None): 1, (403, "Account instance quota exceeded"): 63}


def test_creating_and_deleting_at_once(new_account):
    account = new_account(quota=4)

    def live_and_die(number: int) -> list[int]:
        statuses = []
        for _ in range(20):
            status = account.create(f"n{number}").status
            statuses += [status] + ([account.delete(f"n{number}").status] if status == 201 else [])
        return statuses

    assert set(sum(together(16, live_and_die), [])) <= {201, 200, 403}
    assert account.names() == []
    assert [account.create(f"n{number}").status for number in range(5)] == [201] * 4 + [403]
