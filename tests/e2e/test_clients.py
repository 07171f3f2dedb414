"""Creation by the clients that people use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from shapes import BLOCKS, GROUPS

CLIENTS = Path(__file__).parent / "clients"
REQUEST = CLIENTS / "request.json"

COMMANDS = {
    "curl": ["sh", CLIENTS / "create.sh"],
    "node": ["node", CLIENTS / "create.mjs"],
    "python": [sys.executable, CLIENTS / "create.py"],
    "go": ["go", "run", CLIENTS / "create.go"],
}


def test_the_request_has_every_group_of_fields():
    assert json.loads(REQUEST.read_text()) == \
        {key: value for fields, _ in GROUPS.values() for key, value in fields.items()}


@pytest.mark.parametrize("client", COMMANDS)
def test_creation_by(server, api, client):
    done = subprocess.run([*COMMANDS[client], server.url, api.token], capture_output=True,
                          text=True, env=os.environ | {"no_proxy": "*"}, timeout=300)
    assert (done.returncode, done.stdout) == (0, f"from-{client}\n"), done.stderr
    [instance] = api.listed(f"?instanceName=from-{client}")
    assert {block: instance[block] for block in BLOCKS} == \
        {block: GROUPS[block][1] for block in BLOCKS}
