"""The bucket of an instance, through its own routes; and `verify` where no S3 server answers."""

import http.server
import socket
import threading

import pytest
from client import assert_refused
from shapes import DEFAULTS, URL

SERVER_ENV = {"POMBO_EGRESS_ALLOW": "127.0.0.0/8"}

NONE = DEFAULTS["s3"]
GIVEN = {"enabled": True, "region": "eu-central-1", "bucket": "media", "accessKey": "AKIAEXAMPLE",
         "secretKey": "hidden/+=", "endpoint": URL, "pathPrefix": "/wa/"}
SHOWN = GIVEN | {"secretKey": None, "pathPrefix": "wa/"}


def without(*fields: str) -> dict:
    return {key: value for key, value in GIVEN.items() if key not in fields}


@pytest.fixture
def name(api, fresh):
    name = fresh("s3")
    api.created(name)
    return name


@pytest.fixture
def post(api, name):
    return lambda body, query="": api.call("POST", f"/api/instance/s3/{name}{query}", body)


@pytest.fixture
def kept(api, name):
    """What the read route shows now; the list shows the same."""
    def read():
        reply = api.get(f"/api/instance/getS3/{name}")
        assert reply.status == 200
        assert reply.json == {"success": True, "s3": reply.json["s3"]}, "no message here"
        assert api.listed(f"?instanceName={name}")[0]["s3"] == reply.json["s3"]
        return reply.json["s3"]
    return read


def test_before_it_is_set(kept):
    assert kept() == NONE


def test_set_and_read(post, kept):
    reply = post(GIVEN)
    assert (reply.status, reply.json) == (
        200, {"success": True, "message": "S3 configuration updated", "s3": SHOWN})
    assert kept() == SHOWN


def test_aws_is_no_endpoint(post):
    assert post(without("endpoint", "pathPrefix")).json["s3"] == \
        SHOWN | {"endpoint": None, "pathPrefix": None}


def test_a_region_that_is_left_out(post):
    assert post(without("region")).json["s3"]["region"] == "us-east-1"
    assert_refused(post(without("region", "endpoint")), 400, "The 'region' field is required")


def test_cleared(post, kept):
    post(GIVEN)
    assert post({"enabled": False}).json["s3"] == NONE
    assert kept() == NONE
    assert_refused(post(without("secretKey")), 400, "The 'secretKey' field is required")


def test_a_secret_key_stays_with_its_access_key(post, kept):
    post(GIVEN)
    assert post(without("secretKey") | {"bucket": "other"}).status == 200
    assert kept()["bucket"] == "other"
    assert_refused(post(without("secretKey") | {"accessKey": "AKIAOTHER"}), 400,
                   "The 'secretKey' field is required")


@pytest.mark.parametrize("body, message", [
    (without("bucket"), "The 'bucket' field is required"),
    (GIVEN | {"bucket": "a/b"}, "The 'bucket' field contains characters that are not allowed"),
    (GIVEN | {"pathPrefix": "a/../b"},
     "The 'pathPrefix' field contains characters that are not allowed"),
    (GIVEN | {"endpoint": "ftp://x"}, "The 'endpoint' field must be a valid http or https URL"),
    (GIVEN | {"endpoint": "http://10.0.0.1"},
     "URL is not allowed: private address (operators: egress.allow)"),
])
def test_what_is_refused_changes_nothing(post, kept, body, message):
    post(GIVEN)
    assert_refused(post(body), 400, message)
    assert kept() == SHOWN


def test_what_went_wrong_is_told_until_it_is_put_right(api, fresh):
    name = fresh()
    assert api.created(name, s3Enabled=True)["s3"]["status"] == "error"
    assert api.call("POST", f"/api/instance/s3/{name}", GIVEN).json["s3"] == SHOWN
    assert api.listed(f"?instanceName={name}")[0]["s3"] == SHOWN


# Servers that are no S3 -----------------------------------------------------------------------


@pytest.fixture
def answering():
    """answering(status, headers, body) is the URL of a server that says just that, to everyone."""
    servers = []

    def start(status: int, headers: dict[str, str], body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:  # whoever has read enough may leave
                    self.close_connection = True

            do_GET = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                """Not among the output of the tests."""

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for each in servers:
        each.shutdown()
        each.server_close()


def error_of(code: str, more: str = "") -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code>{more}</Error>".encode()


LAUGHS = (b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
          b"<Error><Code>&b;</Code></Error>")


@pytest.mark.parametrize("status, headers, body, reason", [
    (301, {"x-amz-bucket-region": "eu-west-1"}, error_of("PermanentRedirect"),
     "the bucket is in the region eu-west-1 (PermanentRedirect)"),
    (400, {}, error_of("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"),
     "the bucket is in the region eu-west-3 (AuthorizationHeaderMalformed)"),
    (302, {"Location": "http://169.254.169.254/"}, b"",
     "the endpoint does not answer as S3 does (HTTP 302)"),
    (404, {}, b"<html><h1>Not Found</h1></html>",
     "the endpoint does not answer as S3 does (HTTP 404)"),
    (200, {}, b"<html><h1>Welcome</h1></html>", "what was written is not what is read"),
    (403, {}, error_of("AccessDenied"),
     "the access key may not write to the bucket (AccessDenied)"),
    (403, {}, error_of("RequestTimeTooSkewed"),
     "the clock there and the clock here differ too much (RequestTimeTooSkewed)"),
    (503, {}, error_of("SlowDown"), "the endpoint answered HTTP 503 (SlowDown)"),
    (400, {}, LAUGHS, "the endpoint does not answer as S3 does (HTTP 400)"),
    (500, {}, b"<Error>" + b"x" * (10 << 20), "the endpoint does not answer as S3 does (HTTP 500)"),
], ids=["moved", "region", "redirect", "html", "welcome", "denied", "clock", "slow down", "entities",
        "10 MB"])
def test_verify_says_what_is_wrong(post, kept, answering, status, headers, body, reason):
    endpoint = answering(status, headers, body)
    assert_refused(post(GIVEN | {"endpoint": endpoint}, "?verify=true"), 400,
                   "S3 bucket is not reachable: " + reason)
    assert kept() == NONE


def test_verify_where_nobody_listens(post, kept):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert_refused(post(GIVEN | {"endpoint": endpoint}, "?verify=true"), 400,
                       "S3 bucket is not reachable: the endpoint gave no answer "
                       "(Couldn't connect to server)")
    assert kept() == NONE


def test_verify_where_nobody_answers(post, kept):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert_refused(post(GIVEN | {"endpoint": endpoint}, "?verify=true"), 400,
                       "S3 bucket is not reachable: the endpoint gave no answer "
                       "(Timeout was reached)")
    assert kept() == NONE


@pytest.mark.parametrize("query", ["", "?verify=", "?verify=false"])
def test_without_verify_nobody_is_asked(post, answering, query):
    assert post(GIVEN | {"endpoint": answering(500, {}, b"")}, query).status == 200


def test_verify_is_yes_or_no(post):
    assert_refused(post(GIVEN, "?verify=maybe"), 400,
                   "The 'verify' field must be one of: true, false")


def test_what_is_switched_off_needs_no_verifying(post, kept):
    assert post({"enabled": False}, "?verify=true").json["s3"] == NONE
