"""Starts tests/mock-whatsapp, a WhatsApp on this machine, and does what its people do."""

import http.client
import json
import os
import shutil
import subprocess
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "mock-whatsapp"
MODULES = ROOT / "build" / "npm-mock"


def command(*arguments):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificate_in(folder):
    """Of 127.0.0.1, by an authority that nobody else knows."""
    ca, ca_key, key, chain, request = (folder / name for name in ("ca.pem", "ca.key", "key.pem", "cert.pem", "csr"))
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    command("openssl", "req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=tests")
    command("openssl", "req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    command("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", chain,
            "-days", "2", "-extfile", extensions)
    return SimpleNamespace(key=key, chain=chain, authority=ca.read_text())


def place(source, target):
    """Whole at any time: another test may be about to read it."""
    made = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copy(source, made)
    made.replace(target)


class Mock:
    def __init__(self, certificate, kind="good"):
        for source in SOURCES.glob("*.mjs"):  # Node looks for packages beside the file itself
            place(source, MODULES / source.name)
        self.authority = certificate.authority
        environment = os.environ | {"MOCK_TLS_KEY": str(certificate.key), "MOCK_TLS_CERT": str(certificate.chain),
                                    "MOCK_CERT": kind}
        self.process = subprocess.Popen(["node", str(MODULES / "cli.mjs")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=environment)
        told = json.loads(self.process.stdout.readline())
        self.root = told["rootPublicKey"]
        self.address = told["url"]
        self.admin = urllib.parse.urlsplit(told["admin"])

    def option(self, root=True):
        """The bridge's option `mock`."""
        parts = urllib.parse.urlsplit(self.address)
        return {"address": f"https://{parts.netloc}", "rootPublicKey": self.root if root else "",
                "authority": self.authority}

    def do(self, operation, **body):
        connection = http.client.HTTPConnection(self.admin.netloc, timeout=60)
        try:
            connection.request("POST", f"{self.admin.path}/{operation}", json.dumps(body))
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert "error" not in answer, (operation, answer)
        return answer

    def inbox(self, phone):
        return self.do("inbox", phone=phone)["messages"]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)
