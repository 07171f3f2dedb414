#!/bin/sh
# create.sh URL TOKEN: creates an instance with curl and prints its name.
set -eu
url=$1 token=$2
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
body=$(sed 's/^{/{"name": "from-curl",/' "$(dirname "$0")/request.json")
status=$(curl -sS -o "$answer" -w '%{http_code}' "$url/api/instance/new" \
  -H "token: $token" -H 'Content-Type: application/json' -d "$body")
[ "$status" = 201 ] || { echo "$status: $(cat "$answer")" >&2; exit 1; }
python3 - "$answer" <<'END'
import json, sys
created = json.load(open(sys.argv[1]))
assert sorted(created) == ["instance", "message", "success"], created
assert " ".join(sorted(created["instance"])) == (
    "chatwoot createdAt id name numberJid proxy s3 settings status token updatedAt webhook "
    "websocket"), created
print(created["instance"]["name"])
END
