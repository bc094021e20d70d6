"""Makes certificates for tests, as JSON of PEM texts: python certificates.py

An authority with a certificate for this machine, one that has expired, one for another host, and one for a client; and
another authority with a client of its own.
"""
import datetime
import ipaddress
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
HERE = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer=None, names=(), ends=NOW + DAY):
    """A certificate, signed by `issuer` (name, key), or by itself as an authority."""
    issuer_name, issuer_key = issuer or (subject, key)
    builder = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer_name))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(NOW - 10 * DAY).not_valid_after(ends)
               .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return pem(builder.sign(issuer_key, hashes.SHA256()))


def pem(thing):
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    return thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                               serialization.NoEncryption()).decode()


def signed(issuer, subject, **kwargs):
    key = ec.generate_private_key(ec.SECP256R1())
    return {"cert": certificate(subject, key, issuer, **kwargs), "key": pem(key)}


authority = ("authority of the test", ec.generate_private_key(ec.SECP256R1()))
other = ("another authority", ec.generate_private_key(ec.SECP256R1()))
json.dump({
    "cacert": certificate(*authority),
    "otherCacert": certificate(*other),
    "here": signed(authority, "here", names=HERE),
    "expired": signed(authority, "expired", names=HERE, ends=NOW - DAY),
    "elsewhere": signed(authority, "elsewhere", names=[x509.DNSName("elsewhere.example.com")]),
    "client": signed(authority, "client"),
    "stranger": signed(other, "stranger"),
}, sys.stdout)
