"""Which URLs the server may be sent to. Literal addresses only: no name is looked up."""

import pytest
from client import Api
from pombo_server import Server
from shapes import failed

SYNTAX = "The 'webhookURL' field must be a valid http or https URL"
LOOPBACK = "URL is not allowed: loopback address (operators: egress.allow)"
INTERNAL = "URL is not allowed: internal host name (operators: egress.allow)"
UNSPECIFIED = "URL is not allowed: unspecified address"
PRIVATE = "URL is not allowed: private address (operators: egress.allow)"
LINK_LOCAL = "URL is not allowed: link-local address"
MULTICAST = "URL is not allowed: multicast address"
RESERVED = "URL is not allowed: reserved address"
CREDENTIALS = "URL is not allowed: credentials in URL"

PUBLIC = "93.184.216.34"

REFUSED = {
    SYNTAX: [
        f"ftp://{PUBLIC}/", "file:///etc/passwd", f"gopher://{PUBLIC}/", "javascript:alert(1)",
        "data:text/plain,x", f"ws://{PUBLIC}/", f"//{PUBLIC}/", PUBLIC, "host", "http://",
        "https:///x", "http:", f"http:{PUBLIC}",
        f"https://{PUBLIC}:65536/", f"https://{PUBLIC}:-1/", f"https://{PUBLIC}:x/",
        f"https://{PUBLIC}:0/", f"https://{'a' * 64}.example/",
        f"https://{'.'.join(['a' * 49] * 5)}.exam/", f"https://{PUBLIC}/a b",
        f"https://{PUBLIC}/\r\nX: y", f"https://{PUBLIC}/\0", f"https://{PUBLIC}\\@127.0.0.1/",
        f"https://{PUBLIC}%0d%0a.example/", "https://[::1/", "https://[93.184.216.34]/",
        f" https://{PUBLIC}/",
    ],
    "The 'webhookURL' field must be at most 2048 characters": [
        f"https://{PUBLIC}/".ljust(2049, "a"),
    ],
    LOOPBACK: [
        "http://127.0.0.1/", "http://127.1/", "http://0177.0.0.1/", "http://2130706433/",
        "http://0x7f000001/", "http://127。0。0。1/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
        "http://127.0.0.1#@ok.example", "http://127.255.255.254:8080/x?y",
        "http://１２７.0.0.1/", "http://127.0.0.1./", "http://127.1./", "HTTP://127.0.0.1/",
    ],
    INTERNAL: [
        "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://a.localhost/",
        "http://x.local/", "http://metadata.google.internal/", "http://x.Internal.:99/",
    ],
    UNSPECIFIED: ["http://0.0.0.0/", "http://0/", "http://[::]/", "http://0x0/"],
    PRIVATE: [
        "http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/",
        "http://172.31.255.255/", "http://192.168.0.1/", "http://192.168.255.255/",
        "http://[fd00::1]/", "http://[fd00:ec2::254]/", "http://[fc00::1]/",
        "http://[64:ff9b::a00:1]/", "http://[::ffff:10.0.0.1]/",
    ],
    LINK_LOCAL: [
        "http://169.254.169.254/latest/meta-data/", "http://169.254.0.1/", "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/", "http://[febf::1]/",
    ],
    MULTICAST: ["http://224.0.0.1/", "http://239.255.255.255/", "http://[ff02::1]/"],
    RESERVED: [
        "http://100.64.0.1/", "http://100.127.255.255/", "http://192.0.2.1/", "http://198.18.0.1/",
        "http://198.19.255.255/", "http://240.0.0.1/", "http://255.255.255.255/",
        "http://168.63.129.16/", "http://[2001:db8::1]/", "http://[2002:7f00:1::]/",
        "http://[5f00::1]/",
    ],
    CREDENTIALS: [
        f"https://user:pass@{PUBLIC}/", f"https://user@{PUBLIC}/", f"https://:p@{PUBLIC}/",
        "https://user:pass@127.0.0.1/", "https://user@localhost/",  # of several, this one is told
    ],
}

ALLOWED = [
    f"http://{PUBLIC}", f"http://{PUBLIC}/", f"https://{PUBLIC}:1/", f"https://{PUBLIC}:65535/",
    f"https://{PUBLIC}/a%20b?c=d#e", f"https://{PUBLIC}/".ljust(2048, "a"), f"HTTPS://{PUBLIC}/",
    "http://9.255.255.255/", "http://11.0.0.0/", "http://172.15.255.255/", "http://172.32.0.0/",
    "http://192.167.255.255/", "http://192.169.0.0/", "http://100.63.255.255/",
    "http://100.128.0.0/", "http://126.255.255.255/", "http://128.0.0.0/",
    "http://223.255.255.254/", "http://[2606:2800:220:1::1]/", "http://[::ffff:93.184.216.34]/",
    f"https://{PUBLIC}/@x", f"https://{PUBLIC}/?u=http://127.0.0.1/",
]


@pytest.mark.row("U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9", "U10", "U11")
@pytest.mark.parametrize("message, url", [(message, url) for message, urls in REFUSED.items()
                                          for url in urls], ids=lambda value: value[:60])
def test_urls_that_are_refused(api, fresh, message, url):
    instance = api.created(fresh(), webhookEnabled=True, webhookURL=url)
    assert instance["webhook"] == failed("webhook", message)


@pytest.mark.parametrize("url", ALLOWED, ids=lambda url: url[:60])
def test_urls_that_are_taken_as_they_stand(api, fresh, url):
    instance = api.created(fresh(), webhookEnabled=True, webhookURL=url)
    assert instance["webhook"] == {"enabled": True, "url": url, "events": []}


@pytest.fixture(scope="module")
def lenient(tmp_path_factory, fresh):
    allow = "127.0.0.0/8, fd00::/8, crm.local, 10.1.2.3"
    with Server(data_dir=tmp_path_factory.mktemp("lenient"),
                env={"POMBO_EGRESS_ALLOW": allow}) as server:
        yield Api(server, server.account(fresh("account")))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::ffff:127.0.0.1]/",
                                 "http://[fd00::1]/", "http://crm.local/", "http://CRM.local./",
                                 "http://10.1.2.3/"])
def test_what_the_operator_allows(lenient, fresh, url):
    instance = lenient.created(fresh(), webhookEnabled=True, webhookURL=url)
    assert instance["webhook"] == {"enabled": True, "url": url, "events": []}


@pytest.mark.parametrize("url, message", [
    ("http://10.1.2.4/", PRIVATE), ("http://[::1]/", LOOPBACK), ("http://x.crm.local/", INTERNAL),
    ("http://other.local/", INTERNAL), ("http://user:pass@127.0.0.1/", CREDENTIALS),
])
def test_what_the_operator_does_not_allow(lenient, fresh, url, message):
    instance = lenient.created(fresh(), webhookEnabled=True, webhookURL=url)
    assert instance["webhook"] == failed("webhook", message)
