"""Servers with blocks of tests/bad_blocks, and what must go on beside them."""

from __future__ import annotations

import json
from pathlib import Path

from client import Api
from pombo_server import Server
from shapes import GROUPS

GOOD = GROUPS["webhook"][0] | {"greeterEnabled": True, "greeterName": "Ana"}


ISOLATIONS = ["inside", "process"]


def config(folder: Path, paths: list[Path], blocks: dict[str, dict], isolation: str) -> Path:
    """A configuration with webhook and greeter, and `blocks` with their nodes around them."""
    file = folder / "pombo.yaml"
    where = {"isolation": isolation}
    blocks = {name: where | node for name, node in blocks.items()}
    before = dict(list(blocks.items())[::2])
    after = dict(list(blocks.items())[1::2])
    file.write_text(json.dumps({"plugins": {"path": ["plugins", *map(str, paths)]},
                                "blocks": before | {"webhook": {}, "greeter": where} | after}))
    return file


def assert_others_work(api: Api, instance: dict) -> None:
    """`instance` was made with GOOD."""
    assert instance["webhook"] == GROUPS["webhook"][1]
    assert instance["greeter"] == {"enabled": True, "name": "Ana", "tone": "warm"}
    assert api.get(f"/api/greeter/{instance['name']}").json["greeting"] == "Hi, Ana"
    assert Api(api.server).get("/healthz").status == 200


def failed(error: str) -> dict:
    return {"enabled": False, "status": "error", "error": error}


def not_loaded(block: str) -> dict:
    return failed(f"plugin '{block}' is not loaded on this server")


def lines_of(server: Server, message: str, **fields) -> list[dict]:
    """What the server has logged with these words and fields; of requests, once it has stopped."""
    lines = [json.loads(line) for line in server.logs().splitlines() if line.startswith("{")]
    return [line for line in lines
            if line["message"] == message and fields.items() <= line.items()]
