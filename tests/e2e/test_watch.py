"""The page at /watch, in a browser."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from client import Api, assert_refused
from pombo_server import Server
from tab import Tab
from websocket import Shop

ROWS = """[...document.querySelectorAll("#events summary")].map(
    each => [each.querySelector("b").textContent, each.querySelector("span").textContent])"""
STATUS = "document.getElementById('status').textContent"
LISTENS = "document.getElementById('status').dataset.is === 'open'"
FAILED = "document.getElementById('status').dataset.is === 'bad'"


def link(shop: Shop, **more: str) -> str:
    """The page's, of somebody who has the token."""
    given = {"instance": shop.name, "token": shop.token} | more
    return f"{shop.api.server.url}/watch#" + "&".join(f"{k}={v}" for k, v in given.items())


@pytest.fixture
def shop(api, fresh):
    made = Shop(api, fresh("shop"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def tab():
    with Tab("about:blank") as opened:
        yield opened


def rows(tab: Tab, count: int) -> list[list[str]]:
    tab.until(f"{ROWS}.length >= {count}")
    return tab.value(ROWS)


def test_events_are_shown_as_they_come(tab, shop, server):
    tab.asked.clear()
    tab.go(link(shop))
    tab.until(LISTENS)
    shop.publish()
    assert rows(tab, 1) == [["call.update", "Ana: offer"]]
    nasty = "<img src=x onerror=alert(1)>&amp;"
    shop.publish("message.exchange", message={"type": "text", "content": nasty})
    assert rows(tab, 2) == [["message.exchange", f"Ana: {nasty}"], ["call.update", "Ana: offer"]]
    assert {urlsplit(url).path for url in tab.asked if url.startswith(("http", "ws"))} == \
        {"/watch", "/watch/page.css", "/watch/page.js", shop.path}
    assert {urlsplit(url).netloc for url in tab.asked if url.startswith(("http", "ws"))} == \
        {f"127.0.0.1:{server.port}"}
    assert tab.said == []


def test_messages_are_told_in_either_shape(tab, tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_EVENTS_MESSAGE_SHAPE": "catalog"}) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        tab.go(link(shop))
        tab.until(LISTENS)
        shop.publish("message.exchange")
        assert rows(tab, 1) == [["message.exchange", "Ana: Good morning"]]


def test_the_token_stays_nowhere_in_sight(tab, shop):
    tab.go(link(shop))
    tab.until(LISTENS)
    shop.publish()
    rows(tab, 1)
    assert tab.value("location.hash") == f"#instance={shop.name}"
    assert shop.token not in tab.value("document.documentElement.outerHTML")


def test_what_is_typed_counts_as_a_link_does(tab, shop):
    tab.go(shop.api.server.url + "/watch")
    typed = {"instance": shop.name, "token": f" {shop.token} ", "events": "call.update, group.flow"}
    for name, value in typed.items():
        tab.value(f"document.forms.door.{name}.value = {value!r}")
    tab.value("document.querySelector('button').click()")
    tab.until(LISTENS)
    shop.publish("message.exchange")
    shop.publish()
    assert rows(tab, 1) == [["call.update", "Ana: offer"]]


def test_another_instance_takes_the_place_of_the_first(tab, shop, api, fresh):
    other = Shop(api, fresh("other"))
    tab.go(link(shop))
    tab.until(LISTENS)
    tab.value(f"document.forms.door.instance.value = '{other.name}'")
    tab.value(f"document.forms.door.token.value = '{other.token}'")
    tab.value("document.querySelector('button').click()")
    tab.until(f"{STATUS}.includes('Listening to {other.name}')")
    shop.publish()
    other.publish("message.exchange")
    assert rows(tab, 1)[0][0] == "message.exchange"
    other.end()


def test_no_more_is_kept_than_a_page_can_show(tab, shop):
    tab.go(link(shop))
    tab.until(LISTENS)
    event = {"event": "call.update", "timestamp": "2026-11-21T12:00:00Z", "instanceData": {},
             "data": {"type": "x"}}
    tab.value(f"for (let i = 0; i < 600; ++i) show({event!r})")
    assert tab.value(f"{ROWS}.length") == 500


def test_why_nothing_is_heard(tab, shop, api, fresh):
    off = Shop(api, fresh("off"), websocketEnabled=False)
    for name, token, why in [
            (shop.name, "wrong", "Invalid token"), (fresh("nobody"), api.token, "Instance not found"),
            (off.name, off.token, "WebSocket is not enabled for this instance. Configure it first "
                                  f"using POST /api/events/websocket/{off.name}")]:
        tab.go(f"{shop.api.server.url}/watch#instance={name}&token={token}")
        tab.until(FAILED)
        assert tab.value(STATUS) == why


def test_the_end_is_said(tab, shop, api):
    tab.go(link(shop))
    tab.until(LISTENS)
    assert api.delete(shop.name).status == 200
    tab.until(FAILED)
    assert tab.value(STATUS) == "The stream has ended: token no longer valid."


def test_a_page_of_another_name_says_where_it_works(tab, tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_HTTP_BASE_URL": "http://wa.example/a/b/"}) as server:
        shop = Shop(Api(server, server.account("default")), "shop")
        page = Api(server).get("/watch").raw.decode()
        assert '<base href="/a/b/">' in page and 'data-server="http://wa.example/a/b"' in page
        shop.end()
    with Server(data_dir=tmp_path, env={"POMBO_HTTP_BASE_URL": "http://wa.example"}) as server:
        tab.go(f"http://127.0.0.1:{server.port}/watch#instance=shop&token={shop.token}")
        tab.until(FAILED)
        assert tab.value(STATUS) == "The server or a proxy before it refuses WebSockets of this page."
        assert tab.value("document.querySelector('#elsewhere a').href") == \
            "http://wa.example/watch"
        assert tab.value("document.querySelector('#elsewhere').checkVisibility()")


@pytest.mark.parametrize("path, kind", [("/watch", "text/html"), ("/watch/", "text/html"),
                                        ("/watch/page.css", "text/css"),
                                        ("/watch/page.js", "text/javascript")])
def test_how_its_files_are_served(server, path, kind):
    reply = Api(server).get(path)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_it_can_be_switched_off(tmp_path):
    with Server(data_dir=tmp_path, env={"POMBO_BLOCKS_WEBSOCKET_PAGE": "false"}) as server:
        for path in ("/watch", "/watch/page.js"):
            assert_refused(Api(server).get(path), 404, "Not found")
