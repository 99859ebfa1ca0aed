"""Certificates made for a test: an authority of its own, and servers that it vouches for, or should not."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
HERE = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("elsewhere.example")


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `file` is what a client has to trust."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def server(self, name: str, host: x509.GeneralName = HERE, days: int = 30) -> ssl.SSLContext:
        """A server's side of TLS, for `host`, with a certificate that is good for so many days from now (or was)."""
        return self._context(name, host, days, self.certificate.subject, self.key)

    def self_signed(self, name: str) -> ssl.SSLContext:
        """A server that nobody but itself vouches for."""
        return self._context(name, HERE, 30, None, None)

    def _context(
        self,
        name: str,
        host: x509.GeneralName,
        days: int,
        issuer: x509.Name | None,
        signing: ec.EllipticCurvePrivateKey | None,
    ) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        own = _name(name)
        made = _certificate(own, issuer or own, key, days, host).sign(signing or key, hashes.SHA256())
        file = self.folder / f"{name}.pem"
        file.write_bytes(_pem(key) + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context


def authority(folder: Path) -> Authority:
    """A new authority, whose files are in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = _name("authority")
    plan = _certificate(own, own, key, 30, None)
    made = plan.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = made.sign(key, hashes.SHA256())
    found = Authority(folder, key, certificate)
    found.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return found


def _certificate(
    own: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, host: x509.GeneralName | None
) -> x509.CertificateBuilder:
    until = datetime.datetime.now(datetime.UTC) + days * DAY
    plan = x509.CertificateBuilder(
        issuer, own, key.public_key(), x509.random_serial_number(), until - 60 * DAY, until
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return plan if host is None else plan.add_extension(x509.SubjectAlternativeName([host]), critical=False)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
