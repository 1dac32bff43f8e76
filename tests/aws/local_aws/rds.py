"""RDS's own front of Postgres: TLS by an authority that nobody trusts but by its file, and
sign-in by an IAM token. Behind it is the tests' Postgres."""

import datetime
import ipaddress
import select
import socket
import ssl
import struct
import threading
import urllib.parse
from unittest import mock

import botocore.auth
import botocore.session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .template import REGION

SSL_REQUEST, CLEARTEXT = 80877103, 3
PATCHING = threading.Lock()


class Rds:
    """`connections` are (access key, user) of the sign-ins that were accepted, `refused` the
    tokens that were not."""

    def __init__(self, postgres_port, directory, address="127.0.0.1"):
        self.postgres_port, self.address = postgres_port, address
        self.connections, self.refused = [], []
        self.ca_file, certificate = authority(directory, address)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # stopped
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with socket.create_connection(("127.0.0.1", self.postgres_port)) as postgres:
                self._sign_in(connection, postgres)
        except (OSError, EOFError):
            pass  # one of the two is gone
        finally:
            connection.close()

    def _sign_in(self, connection, postgres):
        if struct.unpack("!i", message(connection))[0] != SSL_REQUEST:
            return  # rds.force_ssl
        connection.sendall(b"S")
        with self.tls.wrap_socket(connection, server_side=True) as client:
            start = message(client)
            words = start[4:].decode().split("\0")
            user = dict(zip(words[::2], words[1::2])).get("user")
            if user is not None:  # None: a request to cancel a statement
                client.sendall(b"R" + struct.pack("!ii", 8, CLEARTEXT))
                assert exactly(client, 1) == b"p"
                token = message(client).rstrip(b"\0").decode()
                if not self._accepts(token, user):
                    client.sendall(refusal(f'PAM authentication failed for user "{user}"'))
                    return
            postgres.sendall(struct.pack("!i", len(start) + 4) + start)
            relay(client, postgres)

    def _accepts(self, token, user):
        """By botocore's own token for the same key, user and second."""
        said = dict(urllib.parse.parse_qsl(token.partition("/?")[2]))
        key = said.get("X-Amz-Credential", "").partition("/")[0]
        moment, session = said.get("X-Amz-Date", ""), said.get("X-Amz-Security-Token")
        if moment:
            expected = botocore_token(self.address, self.port, user, key, session, moment)
            if same(token, expected):
                self.connections.append((key, user))
                return True
        self.refused.append(token)
        return False

    def url(self, user):
        """As the template writes it."""
        return f"postgres://{user}@{self.address}:{self.port}/insiders?sslmode=require"

    def stop(self):
        self.listener.close()


def botocore_token(host, port, user, key, token, moment):
    """What AWS's own library signs at `moment` (as in X-Amz-Date)."""
    moment = datetime.datetime.strptime(moment, "%Y%m%dT%H%M%SZ")
    session = botocore.session.Session()
    session.set_credentials(key, "secret", token)
    with PATCHING, mock.patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        client = session.create_client("rds", REGION)
        return client.generate_db_auth_token(host, port, user)


def same(token, other):
    """Whether the place and each parameter are the same, in whatever order they are."""

    def parts(text):
        place, _, query = text.partition("/?")
        return place, sorted(urllib.parse.parse_qsl(query))

    return parts(token) == parts(other)


def exactly(source, size):
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def message(source):
    """The rest of a message, by the length that it begins with."""
    return exactly(source, struct.unpack("!i", exactly(source, 4))[0] - 4)


def refusal(text):
    fields = f"SFATAL\0VFATAL\0C28000\0M{text}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


def relay(client, postgres):
    """Until one of them ends the connection."""
    while True:
        ready = [client] if client.pending() else select.select([client, postgres], [], [])[0]
        for source, sink in ((client, postgres), (postgres, client)):
            if source in ready:
                data = source.recv(1 << 16)
                if not data:
                    return
                sink.sendall(data)


def authority(directory, address):
    """Files of a new authority and of a server's key and certificate from it."""
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name, key, issuer, issuer_key, extension):
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(issuer_key, hashes.SHA256())
        )

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root, server = named("a local stand-in for RDS"), named(address)
    ca = x509.BasicConstraints(ca=True, path_length=None)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    pem = serialization.Encoding.PEM
    ca_file, server_file = directory / "rds-global-bundle.pem", directory / "server.pem"
    ca_file.write_bytes(certificate(root, root_key, root, root_key, ca).public_bytes(pem))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    server_file.write_bytes(
        key.private_bytes(pem, *private)
        + certificate(server, key, root, root_key, alternative).public_bytes(pem)
    )
    return ca_file, server_file
