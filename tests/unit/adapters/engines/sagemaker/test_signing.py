from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from adapters.engines.sagemaker.signing import Keys, Signer

NOW = datetime(2026, 11, 21, 12, 30, 59, tzinfo=UTC)
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI", "token")

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1).filter(
    lambda text: text == text.strip()
)
base_urls = st.sampled_from(
    [
        "https://runtime.sagemaker.eu-west-1.amazonaws.com",
        "https://Runtime.Example.com:443",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost:80/behind/a proxy".replace(" ", "%20"),
    ]
)


def signed_by_botocore(url, keys, headers, *, body, now, monkeypatch):
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now.replace(tzinfo=None))
    request = AWSRequest("POST", url, headers=headers, data=body)
    credentials = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    auth.SigV4Auth(credentials, "sagemaker", "eu-west-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    base=base_urls,
    name=printable.filter(lambda name: name not in (".", "..")),
    values=st.lists(printable, min_size=2, max_size=2),
    body=st.binary(max_size=64),
    token=st.none() | printable,
    seconds=st.integers(min_value=0, max_value=10**8),
)
def test_signs_as_the_sdk_does(*, base, name, values, body, token, seconds):
    path = f"/endpoints/{quote(name, safe='')}/invocations"
    headers = {"content-type": values[0], "x-amzn-sagemaker-custom-attributes": values[1]}
    keys = Keys("AKIDEXAMPLE", "secret/+", token)
    now = NOW + timedelta(seconds=seconds)
    with pytest.MonkeyPatch.context() as monkeypatch:
        expected = signed_by_botocore(base + path, keys, headers, body=body, now=now, monkeypatch=monkeypatch)
    signed = Signer(base, "eu-west-1").sign(keys, path, headers, body_sha256=sha256(body).hexdigest(), now=now)
    assert signed == expected


def test_the_derived_key_follows_the_day_and_the_keys():
    def signature(signer, keys, now):
        return signer.sign(keys, "/endpoints/a/invocations", {}, body_sha256="0" * 64, now=now)["authorization"]

    kept = Signer("https://example.com", "eu-west-1")
    others = Keys("AKIDEXAMPLE", "another", "token")
    for keys, now in [(KEYS, NOW), (KEYS, NOW + timedelta(days=1)), (others, NOW + timedelta(days=1)), (KEYS, NOW)]:
        assert signature(kept, keys, now) == signature(Signer("https://example.com", "eu-west-1"), keys, now)


def test_keys_show_nothing():
    assert repr(KEYS) == "Keys(...)"
