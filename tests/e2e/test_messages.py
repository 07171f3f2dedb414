"""POST /api/message/*, and what is told of messages afterwards, against the simulator."""

import base64
import contextlib
import http.client
import os
import re
import select
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from certificates import Authority, TlsServer
from client import LIMIT_HEADERS, PATIENCE, Api, assert_refused, together
from pombo_server import Server, until

SERVER_ENV = {"POMBO_EGRESS_ALLOW": "127.0.0.1", "POMBO_BLOCKS_MESSAGES_MAX_BODY_MIB": "4"}

JID = "5511999990000@s.whatsapp.net"
ANA = "5511988880000@s.whatsapp.net"
TEAM = "12036300000000@g.us"
ID = re.compile("3EB0[0-9A-F]{18}")
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
PNG_TEXT = base64.b64encode(PNG).decode()
OGG_TEXT = base64.b64encode(b"OggS" + bytes(24) + b"OpusHead" + bytes(8)).decode()
MP4 = b"\0\0\0\x18ftypisom"
LARGE = 64 << 20
PDF_TEXT = base64.b64encode(b"%PDF-1.7 and so on").decode()

CONTACT = {"fullName": "Bia, Souza", "phone": "+55 (11) 97777-0000", "organization": "Shop",
           "email": "bia@example.com", "url": "https://example.com"}
VCARD = ("BEGIN:VCARD\nVERSION:3.0\nN:;Bia\\, Souza;;;\nFN:Bia\\, Souza\nORG:Shop;\n"
         "EMAIL:bia@example.com\nURL:https://example.com\n"
         "TEL;type=CELL;type=VOICE;waid=5511977770000:+5511977770000\nEND:VCARD")
BUTTONS = [{"id": "yes", "displayText": "Yes"}]
ROW = {"id": "a", "title": "Plan A"}
CARD = {"header": {"title": "One"}, "body": {"text": "The first"}}
LINES = [{"title": "", "rows": [ROW]}]


@pytest.fixture(scope="module")
def shop(api):
    """A linked instance."""
    api.created("shop", connector="simulator")
    assert api.get("/api/instance/connect/shop").status == 200
    assert api.call("POST", "/api/simulator/scan/shop", {"number": "5511999990000"}).status == 200
    return "shop"


def send(api, kind, body, to=ANA, name="shop"):
    if isinstance(body, dict) and to and kind != "status":
        body = {"number": to} | body
    return api.call("POST", f"/api/message/{kind}/{name}", body)


def sent(api, kind, body, to=ANA, said="Message sent successfully"):
    """`data` of the answer, less what nobody can foretell."""
    reply = send(api, kind, body, to)
    assert reply.status == 200, reply
    assert reply.limit_headers == LIMIT_HEADERS
    data = reply.json["data"]
    assert reply.json == {"success": True, "message": said, "status": "sent", "data": data}
    assert ID.fullmatch(data.pop("messageId")) and TIME.fullmatch(data.pop("timestamp"))
    return data


def usual(kind, content, **more):
    return {"messageType": kind, "direction": "outgoing", "content": content, "source": "api",
            "chat": {"jid": ANA, "lid": None, "type": "private"}, "sender": {"jid": JID}} | more


def file(mime, size, url=None, name="", **more):
    return {"mediaUrl": url, "mediaMimeType": mime, "mediaSize": size, "fileName": name} | more


def text_id(api, to=ANA, message="Are you open?"):
    return send(api, "text", {"message": message}, to).json["data"]["messageId"]


# One of each kind -----------------------------------------------------------------------------


def test_a_text_as_it_is_answered(api, shop):
    reply = send(api, "text", {"message": "Hello"})
    data = reply.json["data"]
    assert reply.raw.decode() == (
        '{"success":true,"message":"Message sent successfully","status":"sent","data":'
        f'{{"messageId":"{data["messageId"]}","messageType":"text","direction":"outgoing",'
        f'"content":"Hello","timestamp":"{data["timestamp"]}","source":"api",'
        f'"chat":{{"jid":"{ANA}","lid":null,"type":"private"}},"sender":{{"jid":"{JID}"}}}}}}')
    large = base64.b64encode(PNG + bytes(1_572_864)).decode()
    assert sent(api, "media", {"mediaType": "image", "mediaBase64": large})["mediaSize"] == \
        len(PNG) + 1_572_864


SENT = {
    "text": ({"message": "Olá 👋", "linkPreview": True, "source": "crm"},
             usual("text", "Olá 👋", source="crm")),
    "image": ({"mediaType": "image", "mediaBase64": PNG_TEXT, "message": "The shelf"},
              usual("image", "The shelf", **file("image/png", len(PNG)))),
    "data URI": ({"mediaType": "video", "mediaUrl": "data:video/x-own;base64,AAAA"},
                 usual("video", "", **file("video/x-own", 3, mediaDuration=None))),
    "voice": ({"mediaType": "audio", "mediaUrl": OGG_TEXT, "duration": "5", "waveform": [0, 255]},
              usual("audio", "", **file("audio/ogg; codecs=opus", 44, mediaDuration=5))),
    "document": ({"mediaType": "document", "mediaBase64": PDF_TEXT, "fileName": "a.pdf",
                  "mimetype": "application/x-pdf"},
                 usual("document", "", **file("application/x-pdf", 18, name="a.pdf"))),
    "location": ({"latitude": -23.5614, "longitude": 10, "name": "Office", "address": "Av. 1"},
                 usual("location", "📍 Office\nAv. 1\nLat: -23.5614, Long: 10")),
    "contact": ({"vcard": CONTACT}, usual("contact", "Bia, Souza", vcard=VCARD)),
    "reaction": ({"messageId": "3EB0FFEE", "reaction": "👍"},
                 usual("reaction", "👍",
                       replyTo={"messageId": "3EB0FFEE", "senderJid": ANA, "text": ""})),
    "poll": ({"question": "Lunch?", "options": ["Pizza", "Salad"], "maxAnswer": 7},
             usual("poll", "Lunch?\n1. Pizza\n2. Salad",
                   poll={"question": "Lunch?", "options": ["Pizza", "Salad"], "maxAnswer": 2})),
    "button": ({"contentText": "Choose", "buttons": BUTTONS}, usual("buttons", "Choose")),
    "list": ({"contentText": "Choose", "buttonText": "Open", "sections": LINES},
             usual("list", "Choose")),
    "carousel": ({"message": "Look", "cards": [CARD, CARD]},
                 usual("interactive", "Look - Carousel with 2 card(s)")),
    "sticker": ({"imageUrl": "data:image/webp;base64,AAAA"},
                usual("sticker", "", **file("image/webp", 3))),
    "form": ({"message": "Register", "formType": "registration_offer", "emailVisible": True,
              "buttonParamsJSON": '{"a": [1]}'}, usual("interactive", "Register")),
    "event": ({"name": "Opening", "startAt": "2026-12-01T18:00:00.5-03:00",
               "location": {"name": "Shop", "latitude": -23.5}, "hasReminder": True,
               "reminderOffsetSec": 600, "joinLink": "https://example.com/join"},
              usual("event", "Opening")),
    "pix": ({"merchantName": "Shop", "pixKey": "123.456.789-09", "pixKeyType": "CPF"},
            usual("interactive", "Shop")),
    "status": ({"type": "text", "message": "Open!", "backgroundColor": "#25D366"},
               usual("text", "Open!",
                     chat={"jid": "status@broadcast", "lid": None, "type": "status"})),
    "story": ({"type": "image", "mediaBase64": PNG_TEXT},
              usual("image", "", chat={"jid": "status@broadcast", "lid": None, "type": "status"},
                    **file("image/png", len(PNG)))),
}
KINDS = {"image": "media", "data URI": "media", "voice": "media", "document": "media",
         "story": "status"}


@pytest.mark.parametrize("what", SENT)
def test_what_is_sent(api, shop, what):
    body, data = SENT[what]
    assert sent(api, KINDS.get(what, what), body) == data


def test_several_contacts_and_a_reaction_that_is_taken_back(api, shop):
    said = "2 contacts sent successfully in one message"
    data = sent(api, "contact", {"vcard": [CONTACT, CONTACT | {"fullName": "Ana"}]}, said=said)
    assert data["content"] == "Bia, Souza, Ana" and len(data["vcard"]) == 2
    data = sent(api, "reaction", {"messageId": "3EB0FFEE", "reaction": "remove"},
                said="Reaction removed successfully")
    assert data["content"] == ""


# What is refused ------------------------------------------------------------------------------

CHOICE = "Exactly one of 'mediaUrl' or 'mediaBase64' is required"
PLACE = {"latitude": 1, "longitude": 1, "name": "a", "address": "b"}
POLL = "A poll needs 2 to 12 distinct options"
LIST = "A list needs 1 to 10 sections with 1 to 10 rows each"
EVENT = {"name": "a", "startAt": "2026-12-01T18:00:00Z"}
REFUSED = {
    "text": [({}, "message is required"), ({"message": " "}, "message is required"),
             ({"message": 5}, "Invalid request body: The 'message' field must be a string"),
             ({"message": "a" * 65_537}, "The 'message' field must be at most 65536 characters"),
             ({"message": "a", "delay": -1}, "The 'delay' field must be between 0 and 60"),
             ({"message": "a", "delay": "x"},
              "Invalid request body: The 'delay' field must be an integer"),
             ({"message": "a", "replyTo": "3EB0"}, "Quoted message not found"),
             ({"message": "a", "mention": [JID]}, "Mentions are only available in groups"),
             ({"message": "a", "mentionAll": True}, "Mentions are only available in groups"),
             ({"message": "a", "source": "a" * 65},
              "The 'source' field must be at most 64 characters")],
    "media": [({}, "mediaType is required"), ({"mediaType": "image"}, CHOICE),
              ({"mediaType": "image", "mediaUrl": PNG_TEXT, "mediaBase64": PNG_TEXT}, CHOICE),
              ({"mediaType": "gif", "mediaBase64": PNG_TEXT},
               "The 'mediaType' field must be one of: image, video, audio, document"),
              ({"mediaType": "image", "mediaBase64": "*"},
               "Invalid request body: The 'mediaBase64' field must be base64"),
              ({"mediaType": "image", "mediaUrl": "no"},
               "Invalid request body: The 'mediaUrl' field must be a URL, a data URI or base64"),
              ({"mediaType": "image", "mediaUrl": "ftp://example.com/a"},
               "The 'mediaUrl' field must be a valid http or https URL"),
              ({"mediaType": "image", "mediaUrl": "http://10.0.0.1/a"},
               "URL is not allowed: private address (operators: egress.allow)"),
              ({"mediaType": "image", "mediaBase64": PDF_TEXT},
               "Unsupported media type: application/pdf"),
              ({"mediaType": "audio", "mediaBase64": OGG_TEXT, "waveform": [256]},
               "The 'waveform' field must be a list of numbers between 0 and 255")],
    "location": [({}, "name is required"),
                 (PLACE | {"latitude": None}, "Latitude and longitude are required"),
                 (PLACE | {"latitude": 0, "longitude": 0}, "Latitude and longitude are required"),
                 (PLACE | {"latitude": 91}, "Latitude must be between -90 and 90"),
                 (PLACE | {"longitude": -181}, "Longitude must be between -180 and 180")],
    "contact": [({}, "vcard is required"), ({"vcard": {}}, "vcard.fullName is required"),
                ({"vcard": []}, "A message needs 1 to 50 contacts"),
                ({"vcard": [CONTACT, {"fullName": "a"}]}, "vcard[1].phone is required"),
                ({"vcard": CONTACT | {"phone": "1"}}, "Invalid number: 1"),
                ({"vcard": 5}, "Invalid request body: The 'vcard' field must be an object")],
    "reaction": [({}, "messageId is required"), ({"messageId": "a"}, "reaction is required")],
    "poll": [({}, "question is required"), ({"question": "a"}, "options is required"),
             *(({"question": "a", "options": options}, POLL)
               for options in (["a"], ["a", "a"], ["a", " "], [str(n) for n in range(13)]))],
    "button": [({"contentText": "a"}, "buttons is required"),
               ({"contentText": "a", "buttons": []}, "A message needs 1 to 3 buttons"),
               ({"contentText": "a", "buttons": BUTTONS * 4}, "A message needs 1 to 3 buttons"),
               ({"contentText": "a", "buttons": BUTTONS, "mediaUrl": "https://example.com/a"},
                "mediaType is required when mediaUrl is set"),
               ({"contentText": "a", "buttons": [BUTTONS[0] | {"type": "X"}]},
                "Invalid button type: X"),
               ({"contentText": "a", "buttons": BUTTONS, "mediaType": "IMAGE",
                 "mediaUrl": "http://169.254.169.254/a"}, "URL is not allowed: link-local address"),
               ({"contentText": "a", "buttons": [{"id": "a"}]},
                "buttons[0].displayText is required")],
    "list": [({"contentText": "a", "buttonText": "a", "sections": []}, LIST),
             ({"contentText": "a", "buttonText": "a", "sections": [{"rows": []}]}, LIST),
             ({"contentText": "a", "buttonText": "a", "sections": LINES * 2},
              "Row ids must be unique")],
    "carousel": [({"message": "a", "cards": []}, "A carousel needs 1 to 10 cards"),
                 ({"message": "a", "cards": [{}]}, "cards[0].header is required"),
                 *(({"message": "a", "cards": [CARD, {**CARD, "header": {"title": "a", key: url}}]},
                    said)
                   for key in ("imageUrl", "videoUrl")
                   for url, said in (
                       ("file:///etc/passwd",
                        f"The 'cards[1].header.{key}' field must be a valid http or https URL"),
                       ("http://10.0.0.1/a",
                        "URL is not allowed: private address (operators: egress.allow)")))],
    "sticker": [({}, "imageUrl is required"), ({"imageUrl": " "}, "imageUrl is required"),
                *(({"imageUrl": url}, "The 'imageUrl' field must be a valid http or https URL")
                  for url in (PNG_TEXT, "ftp://example.com/a", "data:text/plain;base64,AAAA",
                              "example.com/a.png")),
                ({"imageUrl": "data:image/png;base64,*"}, "Invalid request body: The 'imageUrl' "
                 "field must be a URL, a data URI or base64"),
                ({"imageUrl": "data:image/png;base64," + PDF_TEXT},
                 "Unsupported media type: application/pdf"),
                ({"imageUrl": "http://10.0.0.1/a"},
                 "URL is not allowed: private address (operators: egress.allow)")],
    "form": [({}, "message is required"),
             ({"message": "a", "formType": "b"},
              "The 'formType' field must be one of: contact_details, registration_offer"),
             ({"message": "a", "buttonParamsJSON": "{"},
              "The 'buttonParamsJSON' field must be JSON"),
             ({"message": "a", "emailVisible": "yes"},
              "Invalid request body: The 'emailVisible' field must be a boolean")],
    "event": [({}, "name is required"), ({"name": "a"}, "startAt is required"),
              *(({"name": "a", "startAt": time},
                 "Invalid startAt: use RFC 3339 with a time zone")
                for time in ("tomorrow", "2026-12-01T18:00:00", "2026-12-01", "2026-02-30T18:00:00Z",
                             "2026-12-01T25:00:00Z", "1795514400")),
              (EVENT | {"endAt": "x"}, "Invalid endAt: use RFC 3339 with a time zone"),
              (EVENT | {"location": {"latitude": 91}}, "Latitude must be between -90 and 90"),
              (EVENT | {"location": {"longitude": "x"}},
               "Invalid request body: The 'location.longitude' field must be a number"),
              (EVENT | {"location": "Shop"},
               "Invalid request body: The 'location' field must be an object"),
              (EVENT | {"joinLink": "x"},
               "The 'joinLink' field must be a valid http or https URL")],
    "pix": [({"merchantName": "a", "pixKey": "a", "pixKeyType": "KEY"}, "Invalid pixKeyType: KEY"),
            *(({"merchantName": "a", "pixKey": "a", "pixKeyType": kind},
               f"Invalid pixKey for type {kind}")
              for kind in ("CPF", "CNPJ", "EMAIL", "PHONE", "RANDOM"))],
    "status": [({}, "type is required"), ({"type": "text"}, "message is required"),
               ({"type": "image"}, CHOICE),
               ({"type": "text", "message": "a", "backgroundColor": "red"},
                "The 'backgroundColor' field must be as #25D366")],
}


@pytest.mark.row("M3", "M4", "M6")
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(api, shop, kind):
    for body, said in REFUSED[kind]:
        assert_refused(send(api, kind, body), 400, said)


class Files(BaseHTTPRequestHandler):
    """Files, and what may come instead of one."""

    def do_GET(self):
        if self.path == "/endless":
            self.start(200, {}, bytes(64 << 20))
        elif self.path == "/far":
            self.start(302, {"Location": "http://10.0.0.1/a"})
        elif self.path.startswith("/near"):
            self.start(302, {"Location": self.path[5:] or "/near"})
        elif self.path == "/huge":
            self.start(200, {"Content-Length": str(5 << 30)}, bytes(5 << 20))
        elif self.path == "/page":
            self.start(200, {"Content-Type": "text/html; charset=utf-8"}, b"<p>No file")
        elif self.path == "/video":
            self.start(200, {"Content-Length": str(LARGE)}, MP4 + bytes(LARGE - len(MP4)))
        elif self.path in ("/drip", "/silent"):
            self.start(200, {"Content-Length": "4096", "Content-Type": "image/png"}, PNG[:1])
            self.drip(PNG[1:2] if self.path == "/drip" else b"")
        elif self.path == "/shelf.png":
            self.start(200, {"Content-Type": "text/plain"}, PNG)
        else:
            self.start(404, {})

    def start(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it has read enough

    def drip(self, drop):
        """That once a second, until whoever waits for more has left."""
        try:
            while not select.select([self.connection], [], [], 1)[0]:
                self.wfile.write(drop)
        except OSError:
            pass  # it has left

    def log_message(self, *_):
        pass


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def files():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched(api, shop, files):
    for path in ("/shelf.png", "/near/shelf.png"):
        body = {"mediaType": "image", "mediaUrl": files + path}
        assert sent(api, "media", body) == usual(
            "image", "", **file("image/png", len(PNG), files + path, "shelf.png"))


@pytest.mark.row("M5")
@pytest.mark.parametrize("path, said", [
    ("/endless", "Media is too large (limit 4 MiB)"), ("/huge", "Media is too large (limit 4 MiB)"),
    ("/none", "Failed to download media: HTTP 404"),
    ("/near", "Failed to download media: too many redirects"),
    ("/far", "URL is not allowed: private address (operators: egress.allow)"),
    ("/near/near/near/near/far", "URL is not allowed: private address (operators: egress.allow)"),
    ("/near/near/near/near/near/far", "Failed to download media: too many redirects"),
    ("/page", "Unsupported media type: text/html")])
def test_what_comes_instead_of_a_file(api, shop, files, path, said):
    body = {"mediaType": "image", "mediaUrl": files + path}
    assert_refused(send(api, "media", body), 400, said)


# Half a minute, which no setting makes less: so both are waited for at once.
@pytest.mark.row("M5")
def test_a_file_does_not_come_to_an_end(api, shop, files):
    paths = ("/drip", "/silent")
    replies = together(len(paths), lambda n: send(
        api, "media", {"mediaType": "image", "mediaUrl": files + paths[n]}))
    for reply in replies:
        assert_refused(reply, 400, "Failed to download media: Timeout was reached")


@pytest.mark.row("M5")
def test_a_file_is_behind_a_bad_certificate(api, shop, tmp_path):
    with TlsServer(Authority(tmp_path).self_signed("shop.test")) as shelf:
        body = {"mediaType": "image", "mediaUrl": f"https://127.0.0.1:{shelf.port}/shelf.png"}
        assert_refused(send(api, "media", body), 400, "Failed to download media: "
                       "The certificate is not accepted: self-signed certificate")
        assert shelf.requests == 0


def peak(server):
    """Bytes of memory that the server has held at most."""
    status = open(f"/proc/{server.pid}/status").read()
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) << 10


def test_the_largest_file_is_in_memory_once_or_twice(tmp_path, files):
    # A block in a process of its own hears of what was fetched by a frame, which is no longer.
    env = {"POMBO_EGRESS_ALLOW": "127.0.0.1", "POMBO_BLOCKS_MESSAGES_ISOLATION": "inside"}
    with Server(data_dir=tmp_path, env=env) as server:
        api = Api(server, server.account("shop"))
        name = linked(api, "shop")
        before = peak(server)
        body = {"mediaType": "video", "mediaUrl": files + "/video"}
        data = send(api, "media", body, name=name).json["data"]
        assert (data["mediaSize"], data["mediaMimeType"]) == (LARGE, "video/mp4")
        assert until(lambda: about(api, "status", data["messageId"], name).json["status"] == "read")
        assert peak(server) - before < 3 * LARGE


def test_the_files_of_buttons_and_cards_are_fetched(api, shop, files):
    def button(path):
        return {"contentText": "Choose", "buttons": BUTTONS, "mediaType": "IMAGE",
                "mediaUrl": files + path}

    def cards(path):
        header = {"title": "One", "imageUrl": files + path}
        return {"message": "Look", "cards": [CARD, {**CARD, "header": header}]}

    assert sent(api, "button", button("/shelf.png")) == usual("buttons", "Choose")
    assert sent(api, "carousel", cards("/shelf.png"))["messageType"] == "interactive"
    for path, said in (("/none", "Failed to download media: HTTP 404"),
                       ("/far", "URL is not allowed: private address (operators: egress.allow)"),
                       ("/page", "Unsupported media type: text/html")):
        assert_refused(send(api, "button", button(path)), 400, said)
        assert_refused(send(api, "carousel", cards(path)), 400, said)


def test_nobody_is_there_who_has_a_file(api, shop, files):
    port = unused_port()
    reply = send(api, "media", {"mediaType": "image", "mediaUrl": f"http://127.0.0.1:{port}/a"})
    assert reply.status == 400
    assert reply.json["error"]["message"].startswith("Failed to download media: ")


def test_a_groups_reaction_names_its_author(api, shop):
    body = {"messageId": "3EB0FFEE", "reaction": "👍"}
    assert_refused(send(api, "reaction", body, TEAM), 400,
                   "participant is required for group messages")
    data = sent(api, "reaction", body | {"participant": ANA}, TEAM)
    assert data["replyTo"]["senderJid"] == ANA
    data = sent(api, "reaction", body | {"fromMe": True}, TEAM)
    assert data["replyTo"]["senderJid"] == JID


@pytest.mark.row("M1")
def test_whom_it_is_for(api, shop):
    text = {"message": "Hello"}
    for missing in ({}, {"number": ""}, {"number": None}, {"number": "  "}):
        assert_refused(send(api, "text", text | missing, to=None), 400, "Number is required")
    for bad in ("Ana", "1" * 10_000, "1234567", "1" * 16, "5511988880000@c.us", "@g.us",
                "x@lid", "a@b@c", "status@broadcast.", "5511988880000x"):
        assert_refused(send(api, "text", text, to=bad), 400, f"Invalid number: {bad}")
    assert_refused(send(api, "text", text, to="5511988880404"), 400,
                   "Number is not registered on WhatsApp")
    for good, jid, word in (
            ("+55 (11) 98888-0000", ANA, "private"), (5511988880000, ANA, "private"),
            ("5511988880000:4@s.whatsapp.net", ANA, "private"),
            ("1234567@lid", "1234567@lid", "private"),
            ("120363000000000000@newsletter", "120363000000000000@newsletter", "newsletter")):
        assert sent(api, "text", text, to=good)["chat"] == {"jid": jid, "lid": None, "type": word}
    assert sent(api, "text", text, to=TEAM)["chat"]["groupName"] == "Simulated group"


@pytest.mark.row("M2")
def test_a_second_spelling_of_the_number(api, shop):
    text = {"message": "Hello", "to": "5521977770000"}
    assert sent(api, "text", text, to=None)["chat"]["jid"] == "5521977770000@s.whatsapp.net"
    assert sent(api, "text", text)["chat"]["jid"] == ANA


def test_only_who_is_connected_sends(api, fresh):
    name = fresh("shop")
    api.created(name, connector="simulator")
    assert_refused(send(api, "text", {"message": "Hello"}, name=name), 503,
                   "Instance is not connected to WhatsApp")
    assert_refused(send(api, "text", {}, name=name), 400, "message is required")
    assert_refused(send(api, "telegram", {}, name=name), 404, "Not found")


def test_malformed_json_says_why(api, shop):
    for body, detail in ((b"{", "incomplete JSON"), (b"[]", "not an object"),
                         (b'{"a":1,"a":2}', "a key stands there twice")):
        assert_refused(send(api, "text", body), 400, f"Invalid request body: {detail}")


# Answers, mentions, delays --------------------------------------------------------------------


def test_a_message_is_answered(api, shop):
    asked = text_id(api)
    reply_to = {"messageId": asked, "senderJid": JID, "text": "Are you open?"}
    assert sent(api, "text", {"message": "Yes", "replyTo": asked})["replyTo"] == reply_to
    in_group = text_id(api, TEAM)
    assert until(lambda: about(api, "getMessage", in_group).status == 200)  # by its event
    data = sent(api, "text", {"message": "Yes", "replyTo": in_group, "replyPrivate": True}, TEAM)
    assert data["chat"]["jid"] == JID


def test_members_of_a_group_are_mentioned(api, shop):
    body = {"message": "Hi", "mention": ["+5511988880000", "1234567@lid"]}
    assert sent(api, "text", body, TEAM)["mentions"] == [ANA, "1234567@lid"]
    assert "mentions" not in sent(api, "text", {"message": "Hi", "mentionAll": True}, TEAM)
    assert_refused(send(api, "text", {"message": "Hi", "mention": ["Ana"]}, TEAM), 400,
                   "Invalid number: Ana")


def test_a_delayed_message_is_answered_when_it_is_sent(api, shop):
    reply = send(api, "text", {"message": "Hello", "delay": 1, "foo": 1})
    assert (reply.status, reply.json["data"]["content"]) == (200, "Hello")
    assert reply.json["warnings"] == ["Unknown field 'foo' was ignored"]


def test_those_that_wait_hold_no_place(api, shop):
    with ThreadPoolExecutor(9) as senders:  # one more than an account has slow calls at once
        replies = senders.map(lambda text: send(api, "text", {"message": text, "delay": 2}),
                              "abcdefghi")
    assert [reply.status for reply in replies] == [200] * 9


# What is told afterwards ----------------------------------------------------------------------


def about(api, what, message, name="shop"):
    return api.get(f"/api/chat/{what}/{name}?messageId={message}")


def test_a_message_is_found_and_was_read(api, shop):
    message = text_id(api)
    assert until(lambda: about(api, "status", message).json["status"] == "read")
    reply = about(api, "status", message).json
    assert TIME.fullmatch(reply.pop("timestamp"))
    assert reply == {"success": True, "message": "Message status retrieved successfully",
                     "message_id": message, "status": "read", "status_code": 4,
                     "direction": "sent", "chat_jid": ANA}
    data = about(api, "getMessage", message).json["data"]
    assert TIME.fullmatch(data.pop("timestamp"))
    assert data == {"messageId": message, "messageType": "text", "direction": "outgoing",
                    "fromMe": True, "content": "Are you open?", "senderJid": JID,
                    "status": "read", "mediaMimeType": None, "fileName": None, "replyTo": None,
                    "isEdited": False, "isDeleted": False}


def changed(api, kind, message, chat, author, content="Changed"):
    """An event by which `author` changes `message` in `chat`, or one of its own there."""
    detail = {"message_edit": "edit", "message_revoke": "revoke"}.get(kind)
    id = f"3EB0{os.urandom(6).hex().upper()}"
    data = {"id": id, "direction": "incoming",
            "chat": {"jid": chat, "name": "", "type": "private"},
            "sender": {"jid": author, "lid": None, "name": ""}, "recipient": {},
            "message": {"type": kind, "content": content, "isEdit": kind == "message_edit"}}
    if detail:
        data["message"][detail] = {"original_id": message, "by": author, "byAdmin": False,
                                   "text": content}
    body = {"event": "message.exchange", "data": data}
    assert api.call("POST", "/api/simulator/event/shop", body).status == 202
    return id


def test_a_message_is_changed_by_its_author_only(api, shop):
    message = text_id(api)
    stranger = "5511977770000@s.whatsapp.net"

    def unchanged_by(kind, chat, author):
        """What comes later in the same chat has been kept: so this one was looked at."""
        changed(api, kind, message, chat, author, f"By {author} in {chat}")
        marker = changed(api, "text", None, chat, author)
        assert until(lambda: about(api, "getMessage", marker).status == 200)
        data = about(api, "getMessage", message).json["data"]
        assert (data["content"], data["isEdited"], data["isDeleted"]) == \
            ("Are you open?", False, False)

    for kind in ("message_edit", "message_revoke"):
        for chat, author in ((stranger, stranger), (ANA, stranger), (ANA, ANA), (stranger, JID)):
            unchanged_by(kind, chat, author)
    changed(api, "message_edit", message, ANA, JID, "By its author")
    assert until(lambda: about(api, "getMessage", message).json["data"]["isEdited"])
    data = about(api, "getMessage", message).json["data"]
    assert (data["content"], data["isDeleted"]) == ("By its author", False)
    changed(api, "message_revoke", message, ANA, JID)
    assert until(lambda: about(api, "getMessage", message).json["data"]["isDeleted"])


def test_media_is_fetched_again(api, shop):
    body = {"mediaType": "image", "mediaBase64": PNG_TEXT}
    message = send(api, "media", body).json["data"]["messageId"]
    assert until(lambda: about(api, "base64", message).status == 200)
    assert about(api, "base64", message).json == {
        "success": True, "message": "Base64 retrieved successfully", "message_id": message,
        "mime_type": "image/png", "media_type": "image", "base64": PNG_TEXT}
    assert_refused(about(api, "base64", text_id(api)), 404,
                   "Message not found or no media available")


def test_what_is_not_there_is_told_apart(api, server, shop, fresh):
    other = fresh("shop")
    api.created(other, connector="simulator")
    message = text_id(api)
    for what in ("getMessage", "base64", "status"):
        assert_refused(api.get(f"/api/chat/{what}/shop"), 400,
                       "messageId query parameter is required")
    assert_refused(about(api, "status", "3EB0"), 404, "Message not found")
    assert_refused(about(api, "getMessage", message, other), 404, "Message not found")
    assert_refused(about(api, "status", message, other), 404,
                   "Message does not belong to this instance")
    stranger = api.as_(server.account(fresh("stranger")))
    mine = fresh("shop")
    stranger.created(mine, connector="simulator")
    assert_refused(about(stranger, "status", message, mine), 404, "Message not found")


# What WhatsApp does not answer ----------------------------------------------------------------


def history(api, name):
    reply = api.call("POST", f"/api/chat/history/{name}", {"number": ANA})
    assert reply.status == 200, reply
    return reply.json["messages"]


def silence(api, name, answers=False):
    body = {"answers": answers}
    assert api.call("POST", f"/api/simulator/network/{name}", body).status == 200


def pending(api, name, text):
    """The id of a message that WhatsApp has not answered."""
    silence(api, name)
    assert_refused(send(api, "text", {"message": text}, name=name), 504,
                   "Timed out waiting for WhatsApp")
    [message] = [each for each in history(api, name) if each["content"] == text]
    assert ID.fullmatch(message["messageId"])
    assert message["status"] == "pending" and message["direction"] == "outgoing"
    return message["messageId"]


def counted(api, name):
    return api.get(f"/api/instance/metrics/{name}").json["metrics"]["messagesByStatus"]


def linked(api, name, number="5511999990000"):
    api.created(name, connector="simulator")
    assert api.get(f"/api/instance/connect/{name}").status == 200
    body = {"number": number}
    assert api.call("POST", f"/api/simulator/scan/{name}", body).status == 200
    return name


def test_what_is_not_answered_is_pending_until_it_is(api, fresh):
    name = linked(api, fresh("shop"))
    message = pending(api, name, "Anybody there?")
    assert counted(api, name)["pending"] == 1
    silence(api, name, answers=True)
    assert until(lambda: about(api, "status", message, name).json["status"] == "read")
    assert [each["messageId"] for each in history(api, name)] == [message]
    assert counted(api, name) == {"pending": 0, "sent": 0, "delivered": 0, "read": 1, "played": 0,
                                  "failed": 0}


def test_what_is_not_answered_is_sent_once_across_a_kill(tmp_path):
    server = Server(data_dir=tmp_path)
    with server:
        api = Api(server, server.account("shop"))
        name = linked(api, "shop")
        messages = {pending(api, name, f"Number {number}") for number in range(3)}
        server.kill()
        server.start()
        assert until(lambda: {about(api, "status", each, name).json["status"]
                              for each in messages} == {"read"})
        assert {each["messageId"] for each in history(api, name)} == messages
        assert counted(api, name)["read"] == 3


@pytest.mark.parametrize("place", ["accept.before_commit", "accept.after_commit"])
def test_a_kill_while_it_is_told_loses_no_id(tmp_path, place):
    """Told of or not, it is kept: by its event it was sent, without one nobody knows."""
    server = Server(data_dir=tmp_path)
    with server:
        api = Api(server, server.account("shop"))
        name = linked(api, "shop")
    server.env["POMBO_KILL_AT"] = place + ":2"  # the first is that the instance is connected again
    with server:
        assert until(lambda: api.listed()[0]["status"] == "connected")
        with contextlib.suppress(http.client.HTTPException, OSError):
            send(api, "text", {"message": "Hello"}, name=name)
        assert server.process.wait(PATIENCE) == -9
    del server.env["POMBO_KILL_AT"]
    with server:
        wanted = "pending" if place == "accept.before_commit" else "read"
        assert until(lambda: [each["status"] for each in history(api, name)] == [wanted])
