"""A gateway in a few lines: the other end of the bridge's descriptor 3, as docs/process-protocol.md has it."""

import base64
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import from_pypi  # noqa: E402, F401
import jsonschema_rs  # noqa: E402

PATIENCE = 60  # seconds; nothing here takes a tenth of it


class Failure(Exception):
    def __init__(self, told):
        super().__init__(told["sentence"])
        self.code = told["code"]
        self.sentence = told["sentence"]


class Gone(Exception):
    pass


def instance(name="shop"):
    return {"id": {"value": str(uuid.uuid4())}, "account": {"value": str(uuid.uuid4())}, "name": name,
            "connector": "whatsapp", "status": "disconnected", "numberJid": "", "createdAt": 0}


class Schemas:
    """What events carry, by the page that is written for everybody."""

    def __init__(self):
        page = json.loads((ROOT / "core" / "wire" / "events.json").read_text())
        self.of = {kind: jsonschema_rs.validator_for({"$ref": f"#/$defs/{kind}", "$defs": page["$defs"]})
                   for kind in page["$defs"] if "." in kind}

        names = {name: {"type": "string"} for name in ("firstName", "fullName", "pushName", "businessName")}
        person = {"jid": {"type": "string"}, "lid": {"type": "string"}} | names  # docs/connectors.md: clients do not see it
        self.of["chat.update"] = jsonschema_rs.validator_for(
            {"type": "object", "required": ["chat"], "minProperties": 2, "maxProperties": 2,
             "properties": {each: {"type": "string"} for each in ("chat", "messageId", "deletedUntil")},
             "additionalProperties": False})
        self.of["contact.update"] = jsonschema_rs.validator_for(
            {"properties": person, "required": ["jid"], "additionalProperties": False})

    def problems(self, event):
        data = event["data"]
        if event["type"] == "instance.state":  # the gateway adds these
            data = data | {"timestamp": "2026-11-21T10:00:00Z", "instance": "shop"}
        return [f"{event['type']}: {error.message} in {data}" for error in self.of[event["type"]].iter_errors(data)]


SCHEMAS = Schemas()


class Store:
    """What a gateway keeps while bridges come and go."""

    def __init__(self):
        self.problems = []  # of events that are not what they should be
        self.secrets = {}
        self.events = []
        self.asked = []  # what was asked of the network
        self.logged = []
        self.counted = []
        self.changed = threading.Condition()

    def of(self, who, kind=None):
        with self.changed:
            return [e for e in self.events if e["instance"] == who["id"] and (not kind or e["type"] == kind)]

    def wait(self, found, what="what is waited for"):
        """The first truthy answer of found(), asked whenever something has come."""
        with self.changed:
            assert self.changed.wait_for(found, PATIENCE), f"{what} has not come; last: {self.events[-3:]}"
            return found()

    def wait_event(self, who, kind, fits=lambda data: True, after=0):
        def found():
            return next((e for e in self.events[after:] if e["instance"] == who["id"] and e["type"] == kind
                         and fits(e["data"])), None)
        return self.wait(found, f"a {kind}")

    def state(self, who, name, after=0):
        return self.wait_event(who, "instance.state", lambda d: d["state"] == name, after)["data"]


class Gateway:
    """One bridge, and the conversation with it."""

    def __init__(self, binary, folder, store=None, mock=None, options=None, start=True, limits=None,
                 environment=None):
        self.store = store or Store()
        self.refuse = None  # called with the events; an exception refuses them
        self.answers = {}   # of calls that the bridge makes
        ours, theirs = socket.socketpair()
        self.socket = ours
        arguments = [str(binary)] + (["", json.dumps(limits)] if limits else [])
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
            env={"PATH": "/usr/bin:/bin"} | (environment or {}), pass_fds=(3,),
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        self.writing = threading.Lock()
        self.ids = itertools.count(1)
        self.waiting = {}
        self.hello = None
        self.gone = False
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.store.wait(lambda: self.hello or self.gone, "a greeting")
        if start and not self.gone:
            self.declared = self.call("block.declare")
            node = {"folder": str(folder)} | ({"mock": mock} if mock else {}) | (options or {})
            self.sides = self.call("block.start", node)

    # the pipe
    def send(self, frame, files=()):
        text = json.dumps(frame).encode()
        header = struct.pack("<II", len(text), len(files))
        with self.writing:
            if files:
                socket.send_fds(self.socket, [header], files)
            else:
                self.socket.sendall(header)
            self.socket.sendall(text)

    def exactly(self, size, files):
        parts = b""
        while len(parts) < size:
            part, came, _, _ = socket.recv_fds(self.socket, size - len(parts), 8)
            if not part:
                raise EOFError
            files.extend(came)
            parts += part
        return parts

    def read(self):
        try:
            while True:
                files = []
                size, _ = struct.unpack("<II", self.exactly(8, files))
                self.place(json.loads(self.exactly(size, files)), files)
        except (OSError, EOFError):
            with self.store.changed:
                self.gone = True
                self.store.changed.notify_all()

    def place(self, frame, files):
        call = frame.get("call")
        if call == "ready":
            with self.store.changed:
                self.hello = frame["with"][0]
                self.store.changed.notify_all()
        elif call == "log.write":
            self.store.logged.append(frame["with"])
        elif call == "metrics.count":
            with self.store.changed:
                self.store.counted.append(frame["with"][0])
                self.store.changed.notify_all()
        elif call and "id" in frame:
            threading.Thread(target=self.serve, args=(frame,), daemon=True).start()
        elif not call:
            with self.store.changed:
                self.waiting[frame["id"]] = (frame, files)
                self.store.changed.notify_all()

    # what the bridge asks
    def serve(self, frame):
        name, given = frame["call"], frame["with"]
        try:
            result = getattr(self, "on_" + name.replace(".", "_"))(*given)
            answer = {"id": frame["id"], "result": result}
        except Failure as failure:
            answer = {"id": frame["id"], "failure": {"code": failure.code, "sentence": failure.sentence,
                                                     "retryAfter": 0}}
        try:
            self.send(answer)
        except OSError:
            pass  # the bridge has ended meanwhile

    def on_events_publish(self, events):
        if self.refuse:
            self.refuse(events)
        with self.store.changed:
            for event in events:
                self.store.problems += SCHEMAS.problems(event)
            self.store.events.extend(events)
            self.store.changed.notify_all()
        return [str(uuid.uuid4()) for _ in events]

    def on_secrets_open(self, who, name):
        return self.store.secrets.get((who["value"], name))

    def on_secrets_seal(self, who, name, value):
        assert len(base64.b64decode(value)) == 32
        self.store.secrets[who["value"], name] = value

    def on_secrets_erase(self, who, name):
        self.store.secrets.pop((who["value"], name), None)

    def on_http_requireAllowedProxy(self, host):
        self.store.asked.append(("proxy", host))

    def on_http_send(self, request):
        self.store.asked.append(("get", request))
        return self.answers["http.send"]

    # what it is asked
    def begin(self, name, *arguments, files=(), within=30_000):
        number = next(self.ids)
        try:
            self.send({"id": number, "call": name, "within": within, "with": list(arguments)}, files)
        except OSError:
            raise Gone from None
        return number

    def end(self, number):
        with self.store.changed:
            assert self.store.changed.wait_for(lambda: number in self.waiting or self.gone, PATIENCE)
            if number not in self.waiting:
                raise Gone
            frame, files = self.waiting.pop(number)
        if "failure" in frame:
            raise Failure(frame["failure"])
        return (frame["result"], files) if files else frame["result"]

    def call(self, name, *arguments, files=(), within=30_000):
        return self.end(self.begin(name, *arguments, files=files, within=within))

    def perform(self, who, operation, files=(), **arguments):
        return self.call("connector.perform", who, operation, arguments, files=files)

    def connect(self, who, number="", proxy=None, days=None):
        return self.call("connector.connect", who, {"number": number, "historyDays": days, "proxy": proxy})

    # its end
    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.socket.close()
        self.said = self.process.stderr.read().decode()
        self.process.stderr.close()
        return status
