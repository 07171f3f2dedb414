"""Every row of document.py has its tests, or waits for something that is not there yet."""

import select
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from chatwoot import ACCOUNT, ADMINISTRATOR, Chatwoot
from deliveries import SERVER_ENV, Shop  # noqa: F401
from document import TESTED, WAITING
from pombo_server import REPOSITORY
from receivers import Receiver
from test_media import picture


def rows_with_tests() -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", "--rows",
         REPOSITORY / "tests/e2e"], cwd=REPOSITORY, capture_output=True, text=True)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    return {line.split("\t")[1] for line in listed.stdout.splitlines() if line.startswith("row\t")}


def test_every_row_has_its_tests():
    assert rows_with_tests() == set(TESTED)


def test_no_row_is_there_twice():
    assert not set(TESTED) & set(WAITING)
    sections = {"B": 18, "N": 12, "U": 15, "A": 11, "Q": 6, "R": 15, "M": 6, "X": 10, "W": 5,
                "F": 13}
    assert {f"{section}{number}" for section, count in sections.items()
            for number in range(1, count + 1)} == {
        id for id in {*TESTED, *WAITING} if not id.startswith("K")}


def a_callback_is_read(api, name) -> bool:
    """Of an inbox that is linked, at the URL that its Chatwoot was told."""
    with Chatwoot() as chatwoot:
        api.created(name, chatwootEnabled=True, chatwootBaseUrl=chatwoot.url,
                    chatwootAccountId=ACCOUNT, chatwootApiToken=ADMINISTRATOR)
        [inbox] = chatwoot.inboxes.values()
    echo = {"event": "message_created", "message_type": "outgoing", "source_id": "WAID:1"}
    return api.call("POST", urlsplit(inbox["webhook_url"]).path, echo).status != 404


def a_bucket_is_dialled(api, name) -> bool:
    """For the file of a message that has come, before its webhook hears of it."""
    with Receiver() as crm, socket.create_server(("127.0.0.1", 0)) as bucket:
        shop = Shop(api, name, s3Enabled=True, s3Bucket="media", s3AccessKey="AKIAEXAMPLE",
                    s3SecretKey="hidden", s3Endpoint=f"http://127.0.0.1:{bucket.getsockname()[1]}")
        shop.webhook(crm.url)
        shop.happens(picture())
        crm.wait(1)
        return bool(select.select([bucket], [], [], 0)[0])


THERE = {"X8": a_callback_is_read, "X9": a_bucket_is_dialled}


def test_what_rows_wait_for_is_tried():
    assert set(THERE) == set(WAITING)


@pytest.mark.parametrize("row", WAITING)
def test_what_a_row_waits_for_is_not_there(api, fresh, row):
    assert not THERE[row](api, fresh()), \
        f"row {row} waits for {WAITING[row]}, which are there now: it wants its tests"
