"""Events of simulated instances, the webhooks they go to, and what became of them."""

from __future__ import annotations

import http.client
import itertools
import json
from urllib.parse import quote, urlencode

from client import PATIENCE, Api, Reply
from pombo_server import until

SERVER_ENV = {"POMBO_EGRESS_ALLOW": "127.0.0.1"}
KEYS = ["id", "eventId", "event", "label", "url", "status", "attempts", "lastStatusCode",
        "lastError", "reason", "createdAt", "lastAttemptAt", "nextAttemptAt"]

_numbers = itertools.count(1)


def message(text: str = "hi", chat: str = "5511988880000@s.whatsapp.net") -> dict:
    """The data of a message that nobody has received before."""
    return {"id": f"M{next(_numbers)}", "direction": "incoming",
            "chat": {"jid": chat, "type": "private"}, "sender": {"jid": chat, "name": "Ana"},
            "message": {"type": "text", "content": text}}


class Shop:
    """A simulated instance."""

    def __init__(self, api: Api, name: str, **fields):
        self.api, self.name, self.segment = api, name, quote(name, safe="")
        self.token = api.created(name, connector="simulator", **fields)["token"]
        self._connection = http.client.HTTPConnection("127.0.0.1", api.server.port,
                                                      timeout=PATIENCE)

    def webhook(self, url: str | None, label: str = "default", **fields) -> dict:
        """Configures it and returns the row; without a URL it is disabled."""
        body = {"label": label, "enabled": url is not None} | ({"url": url} if url else {})
        reply = self.api.call("POST", f"/api/events/webhook/{self.segment}", body | fields)
        assert reply.status == 200, reply
        return reply.json["webhook"]

    def happens(self, data: dict | None = None, event: str = "message.exchange") -> str:
        """Returns the id of the event. On one connection, because there may be thousands."""
        body = json.dumps({"event": event, "data": message() if data is None else data})
        self._connection.request("POST", f"/api/simulator/event/{self.segment}", body,
                                 {"token": self.token})
        answer = self._connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
        assert reply.status == 202, reply
        return reply.json["id"]

    def page(self, **query) -> Reply:
        text = "?" + urlencode(query, quote_via=quote) if query else ""
        return self.api.get(f"/api/events/deliveries/{self.segment}{text}")

    def deliveries(self, **query) -> list[dict]:
        reply = self.page(**query)
        assert reply.status == 200, reply
        assert list(reply.json) == ["success", "message", "deliveries", "nextCursor"]
        rows = reply.json["deliveries"]
        noun = "Delivery" if len(rows) == 1 else "Deliveries"
        assert reply.json["message"] == f"{len(rows)} {noun} found"
        assert all(list(row) == KEYS for row in rows)
        return rows

    def attempted(self, count: int = 1, status: str | None = None, **query) -> list[dict]:
        """The deliveries, as soon as there are so many, each attempted, and with that status."""
        rows: list[dict] = []

        def done() -> bool:
            rows[:] = self.deliveries(**query)
            return len(rows) == count and all(
                row["attempts"] and status in (None, row["status"]) for row in rows)

        assert until(done), rows
        return rows

    def redeliver(self, **body) -> Reply:
        return self.api.call("POST", f"/api/events/redeliver/{self.segment}", body)

    def redelivered(self, **body) -> list[str]:
        """Returns what was skipped."""
        reply = self.redeliver(**body)
        assert reply.status == 202, reply
        assert list(reply.json) == ["success", "message", "queued", "skipped"]
        queued = reply.json["queued"]
        noun = "delivery" if queued == 1 else "deliveries"
        assert reply.json["message"] == f"{queued} {noun} queued"
        return reply.json["skipped"]

    def test(self, **body) -> Reply:
        return self.api.call("POST", f"/api/events/test/{self.segment}", body)
