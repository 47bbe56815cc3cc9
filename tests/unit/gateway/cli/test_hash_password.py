import io
import sys

import pytest

from gateway.api.passwords import password_hash
from tests.unit.gateway.cli.conftest import Run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_piped_password_is_hashed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("größer \n"))
    outcome = run("hash-password")
    assert outcome.code == 0
    verifier = password_hash(outcome.output.strip())
    assert verifier.matches("größer ".encode())
    assert not verifier.matches("größer".encode())


def test_no_password_is_a_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = run("hash-password")
    assert (outcome.code, outcome.output) == (1, "")
    assert "no password" in outcome.errors


@pytest.mark.parametrize(("typed", "code"), [(["s3cret", "s3cret"], 0), (["s3cret", "other"], 1)])
def test_typed_password_is_asked_for_twice(
    run: Run, monkeypatch: pytest.MonkeyPatch, typed: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("gateway.cli.hash_password.getpass", lambda _: typed.pop(0))
    outcome = run("hash-password")
    assert outcome.code == code
    assert "s3cret" not in outcome.output + outcome.errors
