#!/usr/bin/python3 -I
"""A block that is a program: a connector that tries what it is asked to, and says what came of it."""

import ctypes
import errno
import json
import os
import platform
import resource
import socket
import struct
import sys

EXECVEAT = {"x86_64": 322, "aarch64": 281}[platform.machine()]
pipe = socket.socket(fileno=3)
node = None
forgotten = []
doomed = None  # after how many calls more it ends
tell_health = None  # what is done when it is asked for that


def execveat(path):
    file = os.open(path, os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(EXECVEAT, file, b"", None, None, 0x1000, ctypes.c_uint64(0))
    raise OSError(ctypes.get_errno(), "execveat")


def doom(path):
    global doomed
    doomed = int(path) if doomed is None else doomed


def ail(path):
    raise Refused({"code": "unavailable", "sentence": "It is ill", "retryAfter": 0})


def meet(path):
    """Waits until another does the same."""
    open(f"{path}/{os.getpid()}", "wb").close()
    while len(os.listdir(path)) < 2:
        os.sched_yield()


def set_health(how):
    def set_it(path):
        global tell_health
        tell_health = lambda: how(path)
    return set_it


TRIED = {"doom": doom, "ail": set_health(ail), "meet": set_health(meet), "read": lambda path: open(path, "rb").close(), "write": lambda path: open(path, "ab").close(),
         "list": os.listdir, "makeFolder": os.mkdir, "makeLink": lambda path: os.symlink("/", path),
         "remove": os.remove, "run": lambda path: os.execv(path, [path]), "execveat": execveat,
         "fork": lambda path: os.posix_spawn(path, [path], {}), "exit": lambda path: os._exit(7)}


def state():
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
    limits = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0]
              for name in ("AS", "DATA", "CORE", "NOFILE", "FSIZE")}
    return {"process": os.getpid(), "user": os.getuid(), "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16),
            "limits": limits, "arguments": sys.argv[1:], "environment": sorted(os.environ),
            "forgotten": forgotten}


def outcome(operation, path):
    try:
        TRIED[operation](path)
        return {"errno": 0}
    except OSError as error:
        return {"errno": error.errno, "name": errno.errorcode[error.errno]}


def answer_to(call, arguments):
    global node, doomed
    if call == "block.declare":
        return {"fields": [], "options": []}
    if call == "block.start":
        node = arguments[0]
        if node and "dialect" in node:
            ask(1, "routes.addDialect", node["dialect"])
        return {"connector": not (node and "noConnector" in node), "enricher": False, "proxies": False}
    if call == "block.summary":
        return {"node": node, "user": os.getuid()}
    if call == "block.health" and tell_health:
        tell_health()
    if call == "block.forget":
        forgotten.append(arguments[0]["id"]["value"])
    if call == "connector.perform":
        if doomed == 0:
            os._exit(7)
        doomed = doomed and doomed - 1
        return state() if arguments[1] == "state" else outcome(arguments[1], arguments[2]["path"])
    return None


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


class Refused(Exception):
    pass


def ask(number, call, *arguments):
    send(id=number, call=call, **{"with": arguments})
    answer = receive()
    if "failure" in answer:
        raise Refused(answer["failure"])
    return answer["result"]


def receive():
    while True:
        frame = json.loads(read(struct.unpack("<II", read(8))[0]))
        if frame.get("call") != "ping":
            return frame
        send(call="pong", **{"with": []})


send(call="ready", **{"with": [{"protocol": 1, "abi": "", "name": "caged", "version": "1.0.0",
                                "protection": ["magic"]}]})
while True:
    asked = receive()
    try:
        send(id=asked["id"], result=answer_to(asked["call"], asked["with"]))
    except Refused as refused:
        send(id=asked["id"], failure=refused.args[0])
