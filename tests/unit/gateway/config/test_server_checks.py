from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.api.passwords import hash_password

Problems = Callable[..., list[str]]
OPEN = "auth: {mode: none}\n"


def clients(entry: str) -> str:
    return f"auth: {{clients: {{app: {{role: application, {entry}}}}}}}\n"


def test_the_smallest_configuration_is_accepted(problems: Problems) -> None:
    assert problems(OPEN) == []


def test_basic_authentication_needs_a_client(problems: Problems) -> None:
    expected = ["c.yaml:1:1: auth.clients: With `mode: basic` nobody could call: name a client, or set `mode: none`."]
    assert problems("auth: {}\n") == [expected[0]]
    assert problems("payload_log: {}\n") == [expected[0]]


@pytest.mark.parametrize("entry", ["", "password: a, password_hash: '$argon2id$x'"])
def test_a_client_needs_exactly_one_credential(problems: Problems, entry: str) -> None:
    assert "c.yaml:1:18: auth.clients.app: A client needs exactly one of `password` and `password_hash`." in problems(
        clients(entry)
    )


@pytest.mark.parametrize("text", ["secret", "$2b$12$abc", "$argon2id$v=19$cut", "$scrypt$ln=14$short"])
def test_a_password_hash_has_to_be_one_that_can_be_checked(problems: Problems, text: str) -> None:
    found = problems(clients("password_hash: '${HASH}'"), {"HASH": text})
    assert len(found) == 1
    assert found[0].startswith("c.yaml:1:43: auth.clients.app.password_hash: It can't be used: ")
    assert text not in found[0]


def test_a_hash_of_ours_is_accepted(problems: Problems) -> None:
    assert problems(clients("password_hash: '${HASH}'"), {"HASH": hash_password("x")}) == []


def test_trusted_proxies_have_to_be_networks(problems: Problems) -> None:
    text = OPEN + "server: {trusted_proxies: [10.0.0.0/8, fd00::/8, 192.168.1.7, example.com, 10.0.0.0/40]}\n"
    assert problems(text) == [
        "c.yaml:2:63: server.trusted_proxies[3]: It must be a network, such as 10.0.0.0/8 or fd00::/8.",
        "c.yaml:2:76: server.trusted_proxies[4]: It must be a network, such as 10.0.0.0/8 or fd00::/8.",
    ]


def test_tls_files_have_to_be_there(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("x")
    text = OPEN + 'server: {tls: {cert: cert.pem, key: key.pem, client_ca: "/\\0"}}\n'
    assert problems(text) == [
        "c.yaml:2:32: server.tls.key: There is no file key.pem that can be read.",
        "c.yaml:2:46: server.tls.client_ca: There is no file /\0 that can be read.",
    ]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("absent/payloads.db", "The folder absent does not exist: make it."),
        ("/", "It names a folder: name a file in it."),
        ('"a\\0b"', "A path holds no null character."),
        ("x" * 300, "It is no path that this system could open: File name too long."),
        (
            "/proc/payloads.db",
            "SQLite has to make files in the folder /proc, and that fails: No such file or directory.",
        ),
    ],
)
def test_the_spool_needs_a_folder_that_can_be_written(problems: Problems, path: str, sentence: str) -> None:
    assert problems(OPEN + f"payload_log: {{path: {path}}}\n") == [f"c.yaml:2:15: payload_log.path: {sentence}"]
