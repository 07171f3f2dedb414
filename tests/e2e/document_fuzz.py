#!/usr/bin/python3
"""Makes up requests from /openapi.json, and holds every answer against it (schemathesis).

    document_fuzz.py                  half a minute
    document_fuzz.py --examples 200   so many for each route; and --seed N for others

Nothing but loopback is in reach: it runs in a network of its own. Each route has to answer with what
it promises and with a documented refusal at least once. The last line of the output is JSON.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from chatwoot import ADMINISTRATOR, Chatwoot
from client import Api
from phones import ANA, Phone
from pombo_server import REPOSITORY, Server, until
from receivers import Receiver
from shapes import GROUPS
from tenants import ADMIN, SERVER_ENV
from test_media import media_in, picture

SCHEMATHESIS = REPOSITORY / "build/python/bin/schemathesis"
CHECKS = ["status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "allow_header_conformance", "documented"]
LEAST = 1000  # calls
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41


def alone() -> None:
    """Goes on in a network that has nothing but loopback."""
    if "FUZZ_ALONE" not in os.environ:
        os.environ["FUZZ_ALONE"] = "1"
        mapping = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", "--net", *mapping, sys.executable, *sys.argv])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))


def kept(api: Api, crm: Receiver) -> dict:
    """What a linked instance `phone` has kept, for the routes that show it: messages by route, and the
    id and the query of a link to a file."""
    phone = Phone(api, "phone")
    phone.webhook(crm.url, events=["message.exchange"])
    received = picture(1000)
    phone.happens(received)
    link = urlsplit(media_in(crm.wait(1)[0])["url"])
    text = phone.told("POST message/text", number=ANA, message="Hello")["data"]["messageId"]
    assert until(lambda: phone.ask("GET chat/base64", messageId=received["id"]).status == 200)
    return {"of": {"chat/getMessage": text, "chat/status": text, "chat/base64": received["id"]},
            "media": [link.path.removeprefix("/media/"), dict(parse_qsl(link.query))],
            "webhook": {"label": "default", "enabled": True, "url": crm.url}}


def run(server: Server, chatwoot: Chatwoot, crm: Receiver, folder: Path,
        options: argparse.Namespace) -> tuple[bool, Counter]:
    """Whether each answer was as it should be, and how often each route has answered what:
    {("GET /api/…", 200): 12}."""
    api = Api(server, server.account("fuzz"))
    shop = api.created("shop")
    api.created("linked", **{name: value for fields, _ in GROUPS.values()
                             for name, value in fields.items()})
    # From a file: a server's own document it would leave out.
    notes, document = folder / "notes", folder / "openapi.json"
    document.write_bytes(api.get("/openapi.json").raw)
    env = os.environ | {
        "SCHEMATHESIS_HOOKS": "document_hooks", "PYTHONPATH": str(Path(__file__).parent),
        "FUZZ_URL": server.url, "FUZZ_TOKEN": api.token, "FUZZ_INSTANCE": shop["token"],
        "FUZZ_ADMIN": ADMIN, "FUZZ_KEPT": json.dumps(kept(api, crm)),
        "FUZZ_CHATWOOT": chatwoot.url, "FUZZ_CHATWOOT_TOKEN": ADMINISTRATOR,
        "FUZZ_NOTES": str(notes)}
    done = subprocess.run(
        [SCHEMATHESIS, "run", document, "--url", server.url,
         "--generation-with-security-parameters", "false",
         "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--workers", "2",
         "--max-examples", str(options.examples), "--seed", str(options.seed),
         "--continue-on-failure", "--generation-database", "none", "--warnings", "off",
         "--suppress-health-check", "all", "--no-color"], cwd=folder, env=env)
    answers = (line.rpartition(" ") for line in notes.read_text().splitlines())
    return done.returncode == 0, Counter((route, int(status)) for route, _, status in answers)


def missing(document: dict, seen: Counter) -> list[str]:
    """The routes that have not shown both of what is said of them."""
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            route = f"{method.upper()} {path}"
            statuses = {status for name, status in seen if name == route}
            documented = {int(each) for each in operation["responses"] if each.isdigit()}
            to_come = not any(200 <= each < 300 for each in documented)
            # An upgrade is not asked for here, and no connector there is places calls.
            good = {426} if 101 in documented else {501} if path.startswith("/api/call/") else \
                {501, 503} if to_come else range(200, 300)
            if not any(status in good for status in statuses):
                found.append(f"{route} has never answered as it should, but {sorted(statuses)}")
            if not to_come and operation["x-pombo-access"] != "open" and \
                    not any(400 <= status < 500 for status in statuses & documented):
                found.append(f"{route} has refused nothing")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20, help="made up for each route")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    alone()
    with tempfile.TemporaryDirectory(prefix="pombo-fuzz-") as folder, Chatwoot() as chatwoot, \
            Receiver() as crm, \
            Server(data_dir=folder, env=SERVER_ENV | {
                "POMBO_EGRESS_ALLOW": "127.0.0.0/8"}) as server:
        document = Api(server).get("/openapi.json").json
        good, seen = run(server, chatwoot, crm, Path(folder), options)
        problems = missing(document, seen)
        statuses: Counter[int] = Counter()
        for (_, status), count in seen.items():
            statuses[status] += count
        print(*problems, sep="\n")
        print(json.dumps({"calls": sum(seen.values()), "statuses": dict(sorted(statuses.items())),
                          "problems": len(problems)}))
        if not good or problems or sum(seen.values()) < LEAST or server.stop() != 0:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
