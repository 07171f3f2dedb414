"""Certificates of every kind, good and bad, made by openssl; and servers that show them."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
from pathlib import Path

CONFIG = """
[ca]
default_ca = own
[own]
dir = .
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
"""


class Authority:
    """Signs for whoever asks; `file` is what those trust who trust it."""

    def __init__(self, folder: Path, name: str = "Test authority"):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "authority.pem"
        (folder / "openssl.cnf").write_text(CONFIG)
        (folder / "index.txt").touch()
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", "authority.key", "-out", self.file, "-subj",
                      f"/CN={name}", "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE")

    def certificate(self, host: str, start: str = "", end: str = "") -> Path:
        """Certificate and key in one file. Dates are YYYYMMDDHHMMSSZ; otherwise it is good now."""
        file = self.folder / f"{host}-{end}.pem"
        self._key_and("req", "-new", "-out", "request.pem", "-subj", f"/CN={host}", "-addext",
                      f"subjectAltName=DNS:{host}")
        dates = ["-startdate", start, "-enddate", end] if end else ["-days", "30"]
        self._openssl("ca", "-batch", "-notext", "-keyfile", "authority.key", "-cert", self.file,
                      "-in", "request.pem", "-out", file, *dates)
        return self._with_key(file)

    def self_signed(self, host: str) -> Path:
        file = self.folder / f"{host}-self-signed.pem"
        self._key_and("req", "-x509", "-out", file, "-subj", f"/CN={host}", "-days", "30",
                      "-addext", f"subjectAltName=DNS:{host}")
        return self._with_key(file)

    def _key_and(self, *arguments) -> None:
        self._openssl(*arguments, "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem")

    def _with_key(self, file: Path) -> Path:
        file.write_text(file.read_text() + (self.folder / "key.pem").read_text())
        return file

    def _openssl(self, command: str, *arguments) -> None:
        done = subprocess.run(["openssl", command, "-config", "openssl.cnf", *arguments],
                              cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


class TlsServer:
    """Answers 404 to whoever gets so far; counts them."""

    def __init__(self, certificate: Path, newest: ssl.TLSVersion | None = None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if newest:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = newest
            context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(certificate)
        outer = self
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                outer.requests += 1
                self.send_error(404)

            do_GET = do_PUT = do_POST = answer

            def log_message(self, *_):
                """Not among the output of the tests."""

        class Listening(http.server.ThreadingHTTPServer):
            def finish_request(self, request, client_address):
                try:
                    with context.wrap_socket(request, server_side=True) as secured:
                        super().finish_request(secured, client_address)
                except OSError:
                    pass  # whoever does not like the certificate leaves

        self._server = Listening(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    def __enter__(self) -> TlsServer:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
