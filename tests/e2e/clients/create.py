"""create.py URL TOKEN: creates an instance with urllib and prints its name."""

import json
import sys
import urllib.request
from pathlib import Path

url, token = sys.argv[1:]
body = json.loads((Path(__file__).parent / "request.json").read_text()) | {"name": "from-python"}
request = urllib.request.Request(url + "/api/instance/new", json.dumps(body).encode(),
                                 {"token": token, "Content-Type": "application/json"})
with urllib.request.urlopen(request) as answer:
    assert answer.status == 201, answer.status
    created = json.load(answer)
assert sorted(created) == ["instance", "message", "success"], created
assert sorted(created["instance"]) == [
    "chatwoot", "createdAt", "id", "name", "numberJid", "proxy", "s3", "settings", "status",
    "token", "updatedAt", "webhook", "websocket"], created
print(created["instance"]["name"])
