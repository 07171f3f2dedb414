"""Media of received messages: kept by the server, and served by GET /media/:id to who has a link."""

import hashlib
import http.client
import json
import re
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest
from client import LIMIT_HEADERS, PATIENCE, Api, Wire, assert_refused
from deliveries import SERVER_ENV, Shop, message
from pombo_server import Server, until
from power_cuts import preloaded
from receivers import Receiver

MIB = 1 << 20
LINE = b"Made by Pombo's simulator.\n"
INVALID = "Link is invalid or expired"
HOUR = 3600


@pytest.fixture
def crm():
    with Receiver() as started:
        yield started


@pytest.fixture
def shop(api, fresh):
    return Shop(api, fresh("shop"))


def picture(size=None, **media) -> dict:
    """The data of a message with a file that the simulator makes up, or that is given."""
    media = {"type": "document", "mimetype": "image/png", "size": size, "fileName": "a.png"} | media
    return message() | {"message": {"type": "document", "content": "",
                                    "media": media | {"mimeType": media["mimetype"]}}}


def digest_of(size: int) -> str:
    return hashlib.sha256((LINE * (size // len(LINE) + 1))[:size]).hexdigest()


def media_in(posted) -> dict:
    return posted.json["data"]["message"]["media"]


def target_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def download(server, target: str, step=lambda: None) -> tuple[int, str]:
    """How many bytes came, and their digest; `step` is called as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        assert answer.status == 200, (answer.status, answer.read())
        digest, size = hashlib.sha256(), 0
        while piece := answer.read(256 * 1024):
            digest.update(piece)
            size += len(piece)
            step()
        return size, digest.hexdigest()
    finally:
        connection.close()


def linked(shop, crm, size=1000, **media) -> str:
    """The target of the link to a file of a message that has just come."""
    before = len(crm.seen)
    shop.webhook(crm.url)
    shop.happens(picture(size, **media))
    return target_of(media_in(crm.wait(before + 1)[-1])["url"])


def kept(server) -> list[str]:
    return sorted(str(each.relative_to(server.media)) for each in server.media.rglob("*")
                  if each.is_file())


# What receivers get ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 4 * MIB, 64 * MIB])
def test_what_came_is_what_is_downloaded(server, shop, crm, size):
    shop.webhook(crm.url)
    shop.happens(picture(size))
    [posted] = crm.wait(1)
    media = media_in(posted)
    assert (media["base64"], "error" in media) == (None, False)
    base = posted.json["instanceData"]["baseUrl"]
    assert re.fullmatch(re.escape(base) + r"/media/[0-9a-f]{32}\?exp=\d{10}&sig=[0-9a-f]{64}",
                        media["url"])
    exp = int(re.search(r"exp=(\d+)", media["url"])[1])
    assert 72 * HOUR - PATIENCE < exp - time.time() <= 72 * HOUR
    assert download(server, target_of(media["url"])) == (size, digest_of(size))


def test_in_the_message_and_by_a_link(server, shop, crm):
    shop.webhook(crm.url + "/with", "with", mediaBase64=True)
    shop.webhook(crm.url + "/without", "without")
    shop.happens(picture(base64="aGVsbG8="))
    media = {each.path: media_in(each) for each in crm.wait(2)}
    assert media["/wa/with"]["base64"] == "aGVsbG8="
    assert media["/wa/without"]["base64"] is None
    for each in media.values():
        assert download(server, target_of(each["url"])) == (5, hashlib.sha256(b"hello").hexdigest())


def test_too_large_for_the_message_it_is_downloaded(server, shop, crm):
    shop.webhook(crm.url, mediaBase64=True)
    shop.happens(picture(16 * MIB + 1))
    media = media_in(crm.wait(1)[0])
    assert (media["base64"], media["base64Omitted"]) == (None, True)
    assert download(server, target_of(media["url"])) == (16 * MIB + 1, digest_of(16 * MIB + 1))


def test_the_head_of_the_answer(api, shop, crm):
    target = linked(shop, crm, 1000, fileName="relatório.pdf", mimetype="application/pdf")
    reply = Api(api.server).get(target)
    assert reply.status == 200 and len(reply.raw) == 1000
    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.headers["Content-Disposition"] == \
        "attachment; filename=\"relat_rio.pdf\"; filename*=UTF-8''relat%C3%B3rio.pdf"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert reply.limit_headers == LIMIT_HEADERS
    assert reply.headers["X-RateLimit-Limit"] == "600"
    head = Api(api.server).call("HEAD", target)
    assert (head.status, head.raw) == (200, b"")
    for name in ("Content-Type", "Content-Disposition", "Content-Length"):
        assert head.headers[name] == reply.headers[name]


@pytest.mark.parametrize("name, told", [
    ("../../etc/passwd", "_.._etc_passwd"), ("a\"; filename=\"b.html", "a_; filename=_b.html"),
    ("a\r\nX-Evil: 1", "aX-Evil_ 1"), ("a\u202egpj.exe", "agpj.exe"), ("", None),
])
def test_a_hostile_name(api, shop, crm, name, told):
    headers = Api(api.server).get(linked(shop, crm, fileName=name)).headers
    said = headers["Content-Disposition"]
    assert said.startswith(f'attachment; filename="{told}"; ' if told else "attachment")
    assert "X-Evil" not in headers


@pytest.mark.parametrize("mimetype", ["no type", "a/b, text/html", "image/png; x=\"", "/"])
def test_a_hostile_type(api, shop, crm, mimetype):
    headers = Api(api.server).get(linked(shop, crm, mimetype=mimetype)).headers
    assert headers["Content-Type"] == "application/octet-stream"


def test_a_page_is_not_shown(api, shop, crm):
    headers = Api(api.server).get(linked(shop, crm, mimetype="text/html")).headers
    assert headers["Content-Type"] == "text/html"
    assert headers["Content-Disposition"].startswith("attachment;")


# Who gets nothing -----------------------------------------------------------------------------


def test_what_is_no_link_of_ours(api, shop, fresh, crm):
    target = linked(shop, crm)
    other = linked(Shop(api, fresh("other")), crm, 1001)
    path, _, query = target.partition("?")
    exp, _, sig = query.partition("&")
    stranger = Api(api.server)
    assert stranger.get(target).status == 200
    bad = [path, path + "?", f"{path}?{exp}", f"{path}?{sig}", f"{path}?exp=&sig=",
           f"{path}?{exp[:-1]}{(int(exp[-1]) + 1) % 10}&{sig}", f"{path}?exp=9999999999&{sig}",
           f"{path}?{exp}0&{sig}", f"{path}?exp=1&{sig}", f"{path}?exp=x&{sig}",
           f"{path}?{exp}&{sig[:-1]}", f"{path}?{exp}&{sig}0", f"{path}?{exp}&{sig.upper()}",
           f"{path}?{exp}&sig={'0' * 64}", f"{path}?{exp}&sig=%00", f"{path}?{exp}&sig[]=x",
           f"{other.partition('?')[0]}?{query}", f"{path}?{other.partition('?')[2]}",
           f"{path}0?{query}", f"{path[:-1]}?{query}", f"{path.upper().replace('MEDIA', 'media')}?",
           f"/media/%2e%2e?{query}", f"/media/..%2f..%2fetc%2fpasswd?{query}", f"/media/%00?{query}"]
    for each in bad:
        assert_refused(stranger.get(each), 403, INVALID)
        assert_refused(api.get(each), 403, INVALID)
    assert stranger.get(target).status == 200


def test_a_link_is_not_in_the_log(api, server, shop, crm):
    target = linked(shop, crm)
    assert Api(api.server).get(target).status == 200
    path, _, query = target.partition("?")
    told = [line for line in server.logs().splitlines() if path in line]
    assert until(lambda: told.extend(line for line in server.logs().splitlines()
                                     if path in line) or told)
    assert json.loads(told[0])["query"] == query.partition("&sig=")[0] + "&***"
    assert query.partition("&sig=")[2] not in server.logs()


def test_an_instance_takes_its_files_along(api, server, fresh, crm):
    name = fresh("shop")
    target = linked(Shop(api, name), crm)
    stays = linked(Shop(api, fresh("shop")), crm)
    before = len(kept(server))
    assert api.delete(name).status == 200
    assert_refused(Api(server).get(target), 404, "Media not found")
    assert len(kept(server)) == before - 1
    assert Api(server).get(stays).status == 200


# Time -----------------------------------------------------------------------------------------


def test_links_and_files_have_their_time(tmp_path, crm):
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))

    def later(hours: int) -> None:
        with clock.open("r+b") as file:
            file.write((hours * HOUR).to_bytes(8, "little", signed=True))

    base = "https://wa.example.com/pombo"
    server = Server(data_dir=tmp_path / "data", env=SERVER_ENV | {"POMBO_HTTP_BASE_URL": base})
    server.env |= {"LD_PRELOAD": str(preloaded(server, "clock_step")),
                   "POMBO_CLOCK_STEP": str(clock)}
    with server:
        shop = Shop(Api(server, server.account("shop")), "shop")
        shop.webhook(crm.url)
        shop.happens(picture(1000))
        links = []

        def again() -> dict:
            [row] = shop.attempted(1, "delivered")
            assert shop.redelivered(ids=[row["id"]]) == []
            return media_in(crm.wait(len(links) + 1)[-1])

        links.append(media_in(crm.wait(1)[0])["url"])
        assert links[0].startswith(base + "/media/")
        later(71)
        assert download(server, "/media/" + links[0].split("/media/")[1])[0] == 1000
        later(73)
        old = "/media/" + links[0].split("/media/")[1]
        assert_refused(Api(server).get(old), 403, INVALID)
        links.append(again()["url"])
        fresh = "/media/" + links[1].split("/media/")[1]
        assert fresh != old and download(server, fresh) == (1000, digest_of(1000))
        later(7 * 24)
        assert_refused(Api(server).get(fresh), 403, INVALID)
        media = again()
        assert (media["url"], media["error"]) == (None, "Media are no longer stored")
        server.kill()
        server.start()
        assert kept(server) == []


@pytest.mark.parametrize("place", ["spool.before_rename", "spool.after_rename"])
def test_a_crash_leaves_nothing_half_made(tmp_path, crm, place):
    server = Server(data_dir=tmp_path, env=SERVER_ENV)
    with server:
        shop = Shop(Api(server, server.account("shop")), "shop")
        shop.webhook(crm.url)
    server.env["POMBO_KILL_AT"] = place
    with server:
        body = {"event": "message.exchange", "data": picture(4 * MIB)}
        try:
            Api(server, shop.token).call("POST", "/api/simulator/event/shop", body)
        except (http.client.HTTPException, OSError):
            pass  # the server was gone before it could answer
        assert server.process.wait(PATIENCE) == -9
        assert crm.seen == []
        [file] = kept(server)
        assert file.endswith(".part") == (place == "spool.before_rename")
    del server.env["POMBO_KILL_AT"]
    with server:
        media = media_in(crm.wait(1)[0])
        assert download(server, target_of(media["url"])) == (4 * MIB, digest_of(4 * MIB))
        assert len(kept(server)) == 1 and not kept(server)[0].endswith(".part")


# Room -----------------------------------------------------------------------------------------


def came(crm, count: int) -> dict:
    return media_in(crm.wait(count)[-1])


def test_more_than_there_is_room_for(tmp_path, crm):
    env = SERVER_ENV | {"POMBO_MEDIA_STORE_MB": "2", "POMBO_MEDIA_INSTANCE_MB": "1",
                        "POMBO_MEDIA_FILE_MB": "1"}
    with Server(data_dir=tmp_path, env=env) as server:
        api = Api(server, server.account("shop"))
        shops = [Shop(api, f"shop-{number}") for number in range(3)]
        for shop in shops:
            shop.webhook(crm.url, mediaBase64=True)
        shops[0].happens(picture(600_000))
        assert download(server, target_of(came(crm, 1)["url"])) == (600_000, digest_of(600_000))
        shops[0].happens(picture(500_000))
        media = came(crm, 2)
        assert (media["url"], media["error"]) == (None, "Media storage is full")
        assert media["base64"], "the connector still has it"
        shops[1].happens(picture(1_000_000))
        assert came(crm, 3)["url"]
        shops[2].happens(picture(600_000))
        assert came(crm, 4)["error"] == "Media storage is full"
        assert api.delete("shop-1").status == 200
        shops[2].happens(picture(600_001))
        assert came(crm, 5)["url"]
        shops[2].happens(picture(MIB + 1))
        assert came(crm, 6)["error"] == "Media is too large (limit 1 MiB)"
        metrics = Api(server).get("/metrics").raw.decode()
        assert "\npombo_media_files 2\n" in metrics
        assert "\npombo_media_stored_total 3\n" in metrics
        assert "\npombo_media_failed_total 3\n" in metrics


def test_what_the_connector_cannot_give_is_said(tmp_path, crm):
    env = SERVER_ENV | {"POMBO_MEDIA_FILE_MB": "65"}  # more than the simulator has
    with Server(data_dir=tmp_path, env=env) as server:
        shop = Shop(Api(server, server.account("shop")), "shop")
        shop.webhook(crm.url)
        shop.happens(picture(64 * MIB + 1))
        shop.happens(message())
        # They are posted at once, and may overtake each other.
        first, second = sorted((each.json["data"]["message"] for each in crm.wait(2)),
                               key=lambda told: told["media"] is None)
        assert (first["media"]["url"], first["media"]["error"]) == (None, "Media is too large")
        assert second["type"] == "text"


def test_a_full_disk(tmp_path, crm):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder],
                             capture_output=True)
    if mounted.returncode:
        pytest.skip("a disk that is full takes root to make")
    server = Server(data_dir=tmp_path / "data", env=SERVER_ENV | {
        "POMBO_MEDIA_FOLDER": str(folder), "POMBO_MEDIA_FREE_MB": "0"})
    try:
        with server:
            shop = Shop(Api(server, server.account("shop")), "shop")
            shop.webhook(crm.url)
            (folder / "others").write_bytes(bytes(900_000))
            shop.happens(picture(500_000))
            assert came(crm, 1)["error"] == "Media storage is full"
            assert [each.name for each in folder.rglob("*") if each.is_file()] == ["others"]
            (folder / "others").unlink()
            shop.happens(picture(500_000))
            assert download(server, target_of(came(crm, 2)["url"]))[0] == 500_000
    finally:
        subprocess.run(["umount", folder], check=True)


def test_memory_does_not_follow_the_size(server, shop, crm):
    """64 MiB are taken in and sent eight times at once, while others do not read on."""
    linked(shop, crm)
    before = server.rss()
    most = [before]

    def look() -> None:
        most[0] = max(most[0], server.rss())

    target = linked(shop, crm, 64 * MIB)
    look()
    slow = [Wire(server.port, receive_buffer=4096) for _ in range(32)]
    for each in slow:
        each.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    results: list = []

    def fetch() -> None:
        results.append(download(server, target, look))

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results == [(64 * MIB, digest_of(64 * MIB))] * 8
    assert most[0] - before < 24 * MIB
    for each in slow:
        with each:
            assert each.answer(head_only=True).status == 200
