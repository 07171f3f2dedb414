"""`POST /api/instance/s3/:instance?verify=true` against real S3 servers.

What they answer is theirs. Where one does not check something, the table says what it does instead.
"""

import pytest
from client import assert_refused
from shapes import DEFAULTS

BUCKET = "media"
SERVER_ENV = {"POMBO_EGRESS_ALLOW": f"127.0.0.0/8, {BUCKET}.s3.localhost"}

MISMATCH = "the access key and the secret key do not belong together (SignatureDoesNotMatch)"
DENIED = "the access key may not write to the bucket (AccessDenied)"
NO_BUCKET = "there is no such bucket (NoSuchBucket)"

REASONS = {
    "ceph": {
        "wrong secret": MISMATCH,
        "wrong access key": "the access key is not known there (InvalidAccessKeyId)",
        "wrong region": None,  # radosgw takes every region
        "missing bucket": NO_BUCKET,
        "someone else": DENIED,
    },
    "swift": {
        "wrong secret": MISMATCH,
        "wrong access key": MISMATCH,  # Swift does not tell who exists
        "wrong region": "the bucket is in the region us-east-1 (AuthorizationHeaderMalformed)",
        "missing bucket": NO_BUCKET,
        "someone else": DENIED,
    },
}


@pytest.fixture(scope="module")
def buckets(bucket_server):
    """The server, with one bucket that is empty before and after each test."""
    bucket_server.make_bucket(BUCKET)
    return bucket_server


@pytest.fixture
def given(buckets):
    assert buckets.keys_in(BUCKET) == []
    yield {"enabled": True, "bucket": BUCKET, "region": buckets.region, "endpoint": buckets.url,
           "accessKey": buckets.access_key, "secretKey": buckets.secret_key}
    assert buckets.keys_in(BUCKET) == [], "what was written to verify is gone again"


@pytest.fixture
def name(api, fresh):
    name = fresh("s3")
    api.created(name)
    return name


@pytest.fixture
def verify(api, name):
    return lambda body: api.call("POST", f"/api/instance/s3/{name}?verify=true", body)


@pytest.fixture
def kept(api, name):
    return lambda: api.get(f"/api/instance/getS3/{name}").json["s3"]


def test_the_right_keys(verify, kept, given):
    reply = verify(given)
    shown = given | {"secretKey": None, "pathPrefix": None}
    assert (reply.status, reply.json) == (
        200, {"success": True, "message": "S3 configuration updated", "s3": shown})
    assert kept() == shown


@pytest.mark.parametrize("change", REASONS["ceph"])
def test_what_is_wrong(verify, kept, given, buckets, change):
    stranger_key, stranger_secret = buckets.stranger
    wrong = given | {
        "wrong secret": {"secretKey": buckets.secret_key + "x"},
        "wrong access key": {"accessKey": "NOBODY"},
        "wrong region": {"region": "eu-west-9"},
        "missing bucket": {"bucket": "missing"},
        "someone else": {"accessKey": stranger_key, "secretKey": stranger_secret},
    }[change]
    reason = REASONS[buckets.name][change]
    reply = verify(wrong)
    if reason is None:
        assert reply.status == 200
        return
    assert_refused(reply, 400, "S3 bucket is not reachable: " + reason)
    assert kept() == DEFAULTS["s3"]


@pytest.mark.parametrize("prefix", ["wa", "wa/", "/a b/ü+=&%2F?#'()*!~$,;:@", "a//b", "日本/.x"])
def test_a_folder_of_any_name(verify, given, prefix):
    assert verify(given | {"pathPrefix": prefix}).status == 200


def test_a_bucket_in_the_host(verify, given, buckets):
    endpoint = f"http://{BUCKET}.s3.localhost:{buckets.port}"
    assert verify(given | {"endpoint": endpoint}).json["s3"]["endpoint"] == endpoint


def test_the_region_that_is_usual(verify, given):
    del given["region"]
    assert verify(given).json["s3"]["region"] == "us-east-1"


def test_with_the_secret_key_that_is_kept(verify, given):
    assert verify(given).status == 200
    assert verify({k: v for k, v in given.items() if k != "secretKey"}).status == 200


def test_a_bucket_that_was_verified_stays_when_another_is_not(verify, kept, given):
    assert verify(given).status == 200
    assert verify(given | {"bucket": "missing"}).status == 400
    assert kept()["bucket"] == BUCKET
