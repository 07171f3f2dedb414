"""What hostile, broken or odd input is there: the id of each kind, and what is sent.

A test shows a row by `@pytest.mark.row("B3")`, and `pytest tests/e2e --row B3` runs those that do.
A row whose route or block is not there yet waits for it by name.
"""

from __future__ import annotations

# Rows that tests show.
TESTED = {
    # Bodies and JSON
    "B1": "no body, an empty one, one without a name",
    "B2": "a body that is no object",
    "B3": "broken JSON",
    "B4": "a key twice",
    "B5": "32 deep",
    "B6": "deeper than 32, or without end",
    "B7": "1,001 members, 10,001 elements",
    "B8": "not UTF-8, a byte order mark, lone surrogates",
    "B9": "a Content-Type that is absent, wrong or broken",
    "B10": "multipart, urlencoded",
    "B11": "a compressed body",
    "B12": "a body of exactly 1 MiB",
    "B13": "a larger one, announced or sent",
    "B14": "a body that is not whole after 30 s",
    "B15": "2 MiB of Base64 where 64 MiB are taken",
    "B16": "the same with a wrong token",
    "B17": "64 MiB and a byte; 2 MiB where 1 MiB is taken",
    "B18": "fields that nobody knows",
    # Names and tokens of a creation
    "N1": "good names of every kind",
    "N2": "a name that is too long",
    "N3": "a name like a path, a query, an escape or SQL",
    "N4": "a name with controls, marks of direction, emoji",
    "N5": "names that differ by case, or by composition alone",
    "N6": "a name or token that is no string",
    "N7": "a name in use, in the account and in another",
    "N8": "64 creations at once of one name, with one token",
    "N9": "an empty token",
    "N10": "a token of the wrong length or letters",
    "N11": "a token in use, of an instance or account",
    "N12": "a connector that is not there",
    # Fields of blocks
    "K1": "a switch that is no boolean",
    "K2": "a webhook without a URL",
    "K3": "the other spelling of webhookURL",
    "K4": "an unknown event",
    "K5": "events that are no list of strings",
    "K6": "repeated events",
    "K7": "an authorization with line ends, or too long",
    "K8": "fields of a block that is not switched on",
    "K9": "settings of the wrong type, or too long",
    "K10": "templates in a text",
    "K11": "ports as numbers, and out of range",
    "K12": "an unknown proxy protocol",
    "K13": "a proxy host that is none",
    "K14": "a password of any letters, and a long one",
    "K15 host": "a proxy inside, and one in a private network",
    "K15 account": "account numbers as strings, and out of range",
    "K16": "s3 without its secret",
    "K17": "bucket, region or prefix that leave their place",
    "K18": "all six blocks broken at once",
    "K19": "fields of a block whose library is gone",
    # URLs
    "U1": "no http or https", "U2": "broken ports, hosts and letters", "U3": "2,049 characters",
    "U4": "loopback in every spelling", "U5": "internal names", "U6": "unspecified addresses",
    "U7": "private addresses", "U8": "link-local addresses", "U9": "multicast addresses",
    "U10": "reserved addresses", "U11": "credentials",
    "U12": "names with an address inside", "U13": "names that nobody knows, and silence",
    "U14": "an address that changes after it was checked",
    "U15": "all of these, wherever a client names a file",
    # Tokens
    "A1": "no token, or an unknown one",
    "A2": "a wrong token with a broken body",
    "A3": "a wrong token before the right one",
    "A4": "every place where a token may stand",
    "A5": "the wrong kind of token",
    "A6": "an instance's token for another name",
    "A7": "an instance of another account",
    "A8": "an instance's token, and another name in query or body",
    "A9": "the token of a deleted instance, a disabled account, a rotated one",
    "A10": "a page of an origin that nobody allowed",
    "A11": "101 guesses in a minute",
    # Limits and quota
    "Q1": "the 21st creation of a minute",
    "Q2": "creations that were refused for their fields",
    "Q3": "X-Forwarded-For of a stranger",
    "Q4": "quota used up and name taken",
    "Q5": "64 creations at once on a quota of 10",
    "Q6": "quotas that are no number, and none",
    # Paths, methods, parameters
    "R1": "escapes in a path",
    "R2": "escapes that name nothing",
    "R3": "escapes that are none",
    "R4": "a blank name",
    "R5": "16,000 slashes and other unknown routes",
    "R6": "other methods",
    "R7": "HEAD, and a slash at the end",
    "R8": "lists of names in a filter",
    "R9": "lists of names in a path",
    "R10": "pages of deliveries",
    "R12": "a second DELETE",
    "R13": "settings without a setting",
    "R11": "GET /api/instance/connect: number, history",
    "R14": "a block's route without 'enabled'",
    "R15": "a fourth webhook, a long label",
    # Receivers and peers
    "X1": "bodies without end, slow, cut short or compressed",
    "X2": "heads without end, slow ones, and what is no HTTP",
    "X3": "a redirect",
    "X4": "a receiver that is gone for good",
    "X5": "Retry-After of every kind",
    "X6": "certificates that are not accepted, and TLS that is too old",
    "X7": "a Chatwoot that refuses, talks nonsense or is silent",
    # Messages
    "M1": "a number that is missing, or none",
    "M2": "`to` beside `number`, or alone",
    "M3": "a text that is no text, base64 that is none",
    "M4": "two files, or none",
    "M5": "a file that never ends, never comes, or is none",
    "M6": "places and polls that cannot be",
    # Framing
    "F1": "Content-Length: two, or none that is a number",
    "F2": "Transfer-Encoding: with a length, or not chunked alone",
    "F3": "chunks as they may be",
    "F4": "chunks as they may not be",
    "F5": "Host: none, two, or no host",
    "F6": "broken lines, and other protocols",
    "F7": "a head that is too large",
    "F8": "other versions",
    "F9": "half a head and silence",
    "F10": "requests at once, and who closes",
    "F11": "Expect: 100-continue",
    "F12": "odd headers",
    "F13": "clients that never read, or are gone",
    # WebSockets
    "W1": "what is no upgrade",
    "W2": "who may not listen, and to what",
    "W3": "frames that are none, texts that are none",
    "W4": "frames that are too large, PINGs without end",
    "W5": "clients that never read, or never answer",
}

# What they wait for: a route, as it is promised, or words.
WAITING = {
    "X8": "callbacks of Chatwoot",  # an unknown secret, our own echo
    "X9": "media in a bucket",  # entities, file names
    "X10": "a connector that dials out",  # proxies that refuse, or are silent
}
