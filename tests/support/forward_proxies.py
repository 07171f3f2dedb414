"""Proxies by others, and one of our own that looks at what it is asked for."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

USER, PASSWORD = "ana", "s3cret"
AWAY = "127.0.0.2"  # whoever comes through a proxy is seen to come from here


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(process, port):
    """Waits for it; no longer than it lives."""
    while True:
        assert process.poll() is None, "the proxy has ended"
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5).close()
            return


@contextlib.contextmanager
def running(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listening(process, port)
        yield
    finally:
        process.terminate()
        process.wait(60)


def proxy(protocol, port, password=PASSWORD):
    return {"protocol": protocol, "host": "127.0.0.1", "port": port, "username": USER, "password": password}


@contextlib.contextmanager
def tinyproxy(folder):
    port = free_port()
    path = folder / "tinyproxy.conf"
    path.write_text(f"Port {port}\nListen 127.0.0.1\nBind {AWAY}\nTimeout 600\nMaxClients 50\n"
                    f"BasicAuth {USER} {PASSWORD}\n")
    with running([shutil.which("tinyproxy"), "-d", "-c", str(path)], port):
        yield port


@contextlib.contextmanager
def microsocks():
    port = free_port()
    with running([shutil.which("microsocks"), "-i", "127.0.0.1", "-p", str(port), "-u", USER, "-P", PASSWORD, "-b",
                  AWAY], port):
        yield port


class Front:
    """TLS before a plain proxy; without one, a listener that notes what it is asked for, and says that it does it."""

    def __init__(self, certificate, behind=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.chain, certificate.key)
        self.behind = behind
        self.asked = []
        self.broken = threading.Event()  # somebody has refused our certificate
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError):
            if self.behind:
                client = self.context.wrap_socket(client, server_side=True)
                other = socket.create_connection(("127.0.0.1", self.behind))
                threading.Thread(target=pump, args=(client, other), daemon=True).start()
                pump(other, client)
            else:
                self.pretend(client)

    def pretend(self, client):
        self.asked.append(client.recv(4096).split(b"\r\n")[0].decode())
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            self.context.wrap_socket(client, server_side=True).recv(1)
        except ssl.SSLError:
            self.broken.set()

    def close(self):
        self.listener.close()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
