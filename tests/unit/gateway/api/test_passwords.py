import hashlib
from base64 import b64encode

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.passwords import PlainPassword, hash_password, password_hash

PASSWORD = "pässwörd:with colon"
SALT = bytes(range(250, 256)) * 3


def scrypt_hash(password: str, *, ln: int = 4, r: int = 8, p: int = 1) -> str:
    digest = hashlib.scrypt(password.encode(), salt=SALT, n=1 << ln, r=r, p=p, dklen=32, maxmem=1 << 28)
    return f"$scrypt$ln={ln},r={r},p={p}${unpadded(SALT)}${unpadded(digest)}"


def unpadded(content: bytes) -> str:
    return b64encode(content).decode().rstrip("=")


def argon2_hash(password: str) -> str:
    return argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)


@given(st.text(min_size=1), st.binary())
def test_a_plain_password_matches_itself_alone(password: str, other: bytes) -> None:
    verifier = PlainPassword(password)
    assert verifier.matches(password.encode())
    assert verifier.matches(other) == (other == password.encode())


@pytest.mark.parametrize("text", [argon2_hash(PASSWORD), scrypt_hash(PASSWORD)], ids=["argon2id", "scrypt"])
def test_a_hash_matches_its_password_alone(text: str) -> None:
    verifier = password_hash(text)
    assert verifier.slow
    assert verifier.matches(PASSWORD.encode())
    assert not verifier.matches(PASSWORD.upper().encode())
    assert not verifier.matches(b"")


def test_a_hash_that_the_usual_tools_write_can_be_checked() -> None:
    """With the cost that others use by default, which is beyond what OpenSSL allows unasked."""
    assert password_hash(scrypt_hash(PASSWORD, ln=16)).matches(PASSWORD.encode())


def test_an_scrypt_hash_may_have_padding_and_dots() -> None:
    text = scrypt_hash(PASSWORD)
    assert "+" in text
    parts = text.replace("+", ".").split("$")
    padded = "$".join([*parts[:3], parts[3] + "==", parts[4] + "="])
    assert password_hash(padded).matches(PASSWORD.encode())


def test_a_new_hash_matches_and_is_salted() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first != second
    assert password_hash(first).matches(PASSWORD.encode())


@pytest.mark.parametrize(
    "text",
    [
        "secret",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2id$",
        "$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hhc2hoYXNo",
        "$argon2id$v=19$m=64,t=1,p=1$é$é",
        "$scrypt$",
        "$scrypt$ln=0,r=8,p=1$c2FsdA$aGFzaA",
        "$scrypt$ln=4,r=0,p=1$c2FsdA$aGFzaA",
        "$scrypt$ln=40,r=8,p=1$c2FsdA$aGFzaA",
        "$scrypt$ln=4,r=8,p=1$c$aGFzaA",
        "$scrypt$ln=4,r=8$c2FsdA$aGFzaA",
    ],
)
def test_what_is_no_usable_hash_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+") as refusal:
        password_hash(text)
    assert text.rsplit("$", maxsplit=1)[-1] == "" or text not in str(refusal.value)
