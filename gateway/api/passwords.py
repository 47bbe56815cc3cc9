"""Passwords and password hashes: $argon2id$..., and $scrypt$ in PHC form.

Sources: RFC 9106 (Argon2), RFC 7914 (scrypt), PHC string format specification (read 2026-11-21).
"""

import binascii
import hashlib
import hmac
import os
import re
from base64 import b64decode
from typing import Protocol

import argon2
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type, verify_secret
from msgspec import Struct

_SCRYPT = re.compile(
    r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,3}),p=(?P<p>\d{1,3})\$(?P<salt>[A-Za-z0-9+/.]+)=*\$(?P<hash>[A-Za-z0-9+/.]+)=*"
)
_MAX_HASH_BYTES = 1 << 30
_MAX_ARGON2_MEMORY_KIB = 1 << 20
_KEY_BYTES = 32


class Verifier(Protocol):
    """What a password is checked against."""

    @property
    def slow(self) -> bool:
        """Whether a check takes tens of milliseconds, and so belongs into a thread."""
        ...

    def matches(self, password: bytes) -> bool:
        """Check a password in time that does not depend on how much of it is right."""
        ...


class PlainPassword:
    """A password in clear text, kept as a keyed digest: all comparisons are of one length."""

    slow = False

    def __init__(self, password: str) -> None:
        self._key = os.urandom(_KEY_BYTES)
        self._digest = self._digest_of(password.encode())

    def matches(self, password: bytes) -> bool:
        """Check a password, in microseconds."""
        return hmac.compare_digest(self._digest_of(password), self._digest)

    def _digest_of(self, password: bytes) -> bytes:
        return hashlib.blake2b(password, key=self._key, digest_size=_KEY_BYTES).digest()


class Argon2Hash:
    """An Argon2id hash in PHC form."""

    slow = True

    def __init__(self, text: str) -> None:
        self._hash = text.encode("ascii")

    def matches(self, password: bytes) -> bool:
        """Check a password; blocks for as long as the parameters of the hash ask."""
        try:
            return verify_secret(self._hash, password, Type.ID)
        except Argon2Error:
            return False


class ScryptHash(Struct, frozen=True):
    """An scrypt hash: cost `2 ** ln`, block size `r`, parallelism `p`."""

    ln: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @property
    def slow(self) -> bool:
        """An scrypt check is slow by design."""
        return True

    @property
    def memory(self) -> int:
        """Bytes that a check needs."""
        return 128 * self.r * ((1 << self.ln) + self.p + 2)

    def matches(self, password: bytes) -> bool:
        """Check a password; blocks for as long as the parameters of the hash ask."""
        digest = hashlib.scrypt(
            password,
            salt=self.salt,
            n=1 << self.ln,
            r=self.r,
            p=self.p,
            maxmem=self.memory,
            dklen=len(self.digest),
        )
        return hmac.compare_digest(digest, self.digest)


def password_hash(text: str) -> Verifier:
    """Read the `password_hash` of a client.

    Raises:
        ValueError: it is not a hash that can be checked here; a sentence says why, without the hash.
    """
    if text.startswith("$argon2id$"):
        return _argon2(text)
    if text.startswith("$scrypt$"):
        return _scrypt(text)
    raise ValueError("it begins with neither $argon2id$ nor $scrypt$: make one with a tool that writes PHC strings")


def hash_password(password: str) -> str:
    """Return a new Argon2id hash of a password, for `password_hash`; blocks for tens of milliseconds."""
    return argon2.PasswordHasher().hash(password)


def _argon2(text: str) -> Argon2Hash:
    try:
        parameters = argon2.extract_parameters(text)
        verifier = Argon2Hash(text)
    except (InvalidHashError, ValueError):
        raise ValueError("it begins as an Argon2id hash and does not go on as one: copy it whole") from None
    if parameters.memory_cost > _MAX_ARGON2_MEMORY_KIB:
        raise ValueError("its parameters ask for more than 1 GiB of memory: make one with smaller ones")
    return verifier


def _scrypt(text: str) -> ScryptHash:
    match = _SCRYPT.fullmatch(text)
    if match is None:
        raise ValueError("an scrypt hash reads $scrypt$ln=<log2 n>,r=<r>,p=<p>$<salt>$<hash>")
    verifier = ScryptHash(
        int(match["ln"]), int(match["r"]), int(match["p"]), _unpadded(match["salt"]), _unpadded(match["hash"])
    )
    if not (verifier.ln and verifier.r and verifier.p):
        raise ValueError("its ln, r and p have to be 1 or more")
    if verifier.memory > _MAX_HASH_BYTES:
        raise ValueError("its parameters ask for more than 1 GiB of memory: make one with smaller ones")
    return verifier


def _unpadded(text: str) -> bytes:
    # Some tools write a dot for the plus sign.
    text = text.replace(".", "+")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("salt and hash of an scrypt hash are Base64 without padding") from None
