"""Who may speak TLS with the server that dials out, and what it says of those who may not."""

import ssl

import pytest
from certificates import Authority, TlsServer
from client import assert_refused
from deliveries import Shop
from names import NameServer, Sink
from pombo_server import Server

HOST = "shop.test"
REFUSED = "The certificate is not accepted: "


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "Another authority")


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    """Trusts that authority, and knows one name."""
    folder = tmp_path_factory.mktemp("server")
    with NameServer() as names:
        names.views[HOST] = [["127.0.0.1"]]
        with Server(data_dir=folder, env={"POMBO_EGRESS_ALLOW": "127.0.0.1"},
                    within=names.alone(folder, ca_certificates=authority.file)) as started:
            yield started


@pytest.fixture
def verified(api, fresh):
    """verified(port) is what verifying a bucket there came to."""
    shop = fresh()
    api.created(shop)

    def post(port: int, host: str = HOST) -> str:
        reply = api.call("POST", f"/api/instance/s3/{shop}?verify=true",
                         {"enabled": True, "bucket": "media", "accessKey": "AKIA",
                          "secretKey": "hidden", "endpoint": f"https://{host}:{port}"})
        message = reply.json["error"]["message"]
        assert_refused(reply, 400, message)
        return message.removeprefix("S3 bucket is not reachable: ") \
            .removeprefix("the endpoint gave no answer ")

    return post


@pytest.fixture
def posted(api, fresh):
    """posted(port) is what a webhook's first attempt there came to."""

    def post(port: int, host: str = HOST) -> str:
        shop = Shop(api, fresh())
        shop.webhook(f"https://{host}:{port}/")
        shop.happens()
        [row] = shop.attempted()
        assert row["status"] == "pending"
        return row["lastError"]

    return post


def test_a_good_one(authority, verified, posted):
    with TlsServer(authority.certificate(HOST)) as shop:
        assert verified(shop.port) == "the endpoint does not answer as S3 does (HTTP 404)"
        assert posted(shop.port) == "HTTP 404"
        assert shop.requests == 2


@pytest.mark.row("X6")
@pytest.mark.parametrize("made, reason", [
    (lambda good, _: good.certificate(HOST, "20200101000000Z", "20210101000000Z"),
     "certificate has expired"),
    (lambda good, _: good.certificate(HOST, "20990101000000Z", "21000101000000Z"),
     "certificate is not yet valid"),
    (lambda good, _: good.self_signed(HOST), "self-signed certificate"),
    (lambda _, stranger: stranger.certificate(HOST), "unable to get local issuer certificate"),
    (lambda good, _: good.certificate("other.test"), "it is for another host"),
    (lambda good, _: good.certificate("*.shop.test"), "it is for another host"),
], ids=["expired", "not yet", "self-signed", "stranger", "other host", "below"])
def test_a_certificate_that_is_not_accepted(authority, stranger, verified, posted, made, reason):
    with TlsServer(made(authority, stranger)) as shop:
        assert verified(shop.port) == f"({REFUSED}{reason})"
        assert posted(shop.port) == REFUSED + reason
        assert shop.requests == 0


def test_an_address_is_another_host(authority, verified, posted):
    with TlsServer(authority.certificate(HOST)) as shop:
        assert verified(shop.port, "127.0.0.1") == f"({REFUSED}it is for another host)"
        assert posted(shop.port, "127.0.0.1") == REFUSED + "it is for another host"
        assert shop.requests == 0


@pytest.mark.row("X6")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # that is why
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1],
                         ids=lambda each: each.name)
def test_a_version_that_is_too_old(authority, verified, posted, version):
    with TlsServer(authority.certificate(HOST), newest=version) as shop:
        assert verified(shop.port) == "(No TLS connection: tlsv1 alert protocol version)"
        assert posted(shop.port) == "No TLS connection: tlsv1 alert protocol version"
        assert shop.requests == 0


def test_no_tls_at_all(verified):
    with Sink() as shop:
        assert verified(shop.port) == "(No TLS connection: wrong version number)"
