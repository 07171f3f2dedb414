#!/usr/bin/python3
"""The smallest block in another language, from docs/process-protocol.md and nothing else."""

import json
import socket
import struct

FIELD = {"name": "wordText", "type": "string", "fallback": None, "doc": "A word.",
         "need": "optional", "secret": False, "min": None, "max": None, "minLength": 0,
         "maxLength": 20, "choices": [], "refusal": "", "text": "any", "distinct": False,
         "alias": ""}

pipe = socket.socket(fileno=3)
last = 0


def send(**frame):
    text = json.dumps(frame).encode()
    pipe.sendall(struct.pack("<II", len(text), 0) + text)


def read(size):
    got = b""
    while len(got) < size:
        part = pipe.recv(size - len(got))
        if not part:
            raise SystemExit(0)
        got += part
    return got


def receive():
    size, _ = struct.unpack("<II", read(8))
    frame = json.loads(read(size))
    if frame.get("call") == "ping":
        send(call="pong", **{"with": []})
        return receive()
    return frame


def ask(within, call, *arguments):
    global last
    last += 1
    send(id=last, **{"in": within, "call": call, "with": arguments})
    answer = receive()
    assert answer["id"] == last and "call" not in answer
    return answer["result"]


def answer_to(frame):
    call, arguments = frame["call"], frame["with"]
    if call == "block.declare":
        return {"fields": [FIELD], "options": []}
    if call == "block.start":
        return {"connector": False, "enricher": False, "proxies": False}
    if call == "block.configure":
        return ask(frame["id"], "settings.save", arguments[0]["id"], arguments[1]["wordText"])
    if call == "block.summary":
        found = ask(frame["id"], "settings.load", arguments[0]["id"])
        return {"word": found[0] if found else None}
    return None


send(call="ready", **{"with": [{"protocol": 1, "abi": "", "name": "word", "version": "1.0.0",
                                "protection": []}]})
while True:
    asked = receive()
    send(id=asked["id"], result=answer_to(asked))
