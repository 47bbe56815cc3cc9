from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from adapters.testing.sagemaker.errors import AwsRefusalError
from adapters.testing.sagemaker.signature import AccessKey, SignedRequest, verify

NOW = datetime(2026, 11, 21, 23, 58, tzinfo=UTC)
KEY = AccessKey(id="AKID", secret="secret/+", session_token="token")


def signed(monkeypatch, url="https://example.com/endpoints/a%20b/invocations?b=2&a=1&a=0", *, now=NOW, **headers):
    """Return a request that botocore has signed."""
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now.replace(tzinfo=None))
    request = AWSRequest("POST", url, headers={"X-Spaces": "  two   spaces ", **headers}, data=b"body")
    auth.SigV4Auth(ReadOnlyCredentials(KEY.id, KEY.secret, KEY.session_token), "sagemaker", "eu-west-1").add_auth(
        request
    )
    sent = [("Host", "example.com"), *request.headers.items(), ("User-Agent", "not signed")]
    return SignedRequest("POST", url.removeprefix("https://example.com"), sent, b"body")


def check(request, now=NOW, key=KEY, region="eu-west-1"):
    return verify(request, {key.id: key}, region=region, now=now)


def without(request, name):
    headers = [(key, value) for key, value in request.headers if key.lower() != name]
    return msgspec.structs.replace(request, headers=headers)


def replaced(request, name, value):
    return msgspec.structs.replace(without(request, name), headers=[*without(request, name).headers, (name, value)])


@pytest.mark.parametrize(
    "path", ["", "/", "/endpoints/a/invocations", "/a%2Fb/c~d", "/a//b/../c/", "/x?", "/x?z&b=%20&a=~"]
)
def test_what_the_sdk_signs_is_accepted(monkeypatch, path):
    assert check(signed(monkeypatch, f"https://example.com{path}")) is KEY


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_clocks_may_differ_by_five_minutes(monkeypatch, minutes):
    check(signed(monkeypatch), now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(("minutes", "words"), [(6, "expired"), (-6, "not yet current")])
def test_clocks_may_not_differ_by_more(monkeypatch, minutes, words):
    with pytest.raises(AwsRefusalError, match=words) as caught:
        check(signed(monkeypatch), now=NOW + timedelta(minutes=minutes))
    assert caught.value.code == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda request: without(request, "authorization"), "MissingAuthenticationTokenException"),
        (lambda request: replaced(request, "authorization", "Bearer x"), "IncompleteSignatureException"),
        (lambda request: replaced(request, "x-amz-date", "yesterday"), "IncompleteSignatureException"),
        (lambda request: without(request, "x-amz-date"), "IncompleteSignatureException"),
        (lambda request: without(request, "x-spaces"), "InvalidSignatureException"),
        (lambda request: replaced(request, "x-spaces", "three spaces"), "InvalidSignatureException"),
        (lambda request: replaced(request, "x-amz-new", "unsigned"), "InvalidSignatureException"),
        (lambda request: replaced(request, "host", "elsewhere"), "InvalidSignatureException"),
        (lambda request: replaced(request, "x-amz-security-token", "other"), "UnrecognizedClientException"),
        (lambda request: msgspec.structs.replace(request, body=b"other"), "InvalidSignatureException"),
        (lambda request: msgspec.structs.replace(request, method="PUT"), "InvalidSignatureException"),
        (lambda request: msgspec.structs.replace(request, target="/other"), "InvalidSignatureException"),
    ],
)
def test_what_was_changed_or_left_out_is_refused(monkeypatch, change, code):
    with pytest.raises(AwsRefusalError) as caught:
        check(change(signed(monkeypatch)))
    assert caught.value.code == code
    assert caught.value.status == 403


def test_signed_headers_out_of_order_are_refused(monkeypatch):
    request = signed(monkeypatch)
    order = request.header("authorization").replace("host;x-amz-date", "x-amz-date;host")
    with pytest.raises(AwsRefusalError, match="sorted"):
        check(replaced(request, "authorization", order))


def test_a_digest_that_the_client_states_is_not_believed(monkeypatch):
    request = signed(monkeypatch, **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    with pytest.raises(AwsRefusalError):
        check(request)


def test_another_region_or_key_is_refused(monkeypatch):
    request = signed(monkeypatch)
    with pytest.raises(AwsRefusalError, match="scoped to 20261121/us-east-1/sagemaker"):
        check(request, region="us-east-1")
    with pytest.raises(AwsRefusalError):
        check(request, key=msgspec.structs.replace(KEY, secret="another"))
    with pytest.raises(AwsRefusalError) as caught:
        check(request, key=msgspec.structs.replace(KEY, expired=True))
    assert caught.value.code == "ExpiredTokenException"


def test_a_key_shows_no_secret():
    assert "secret" not in repr(KEY)
    assert "token" not in repr(KEY)
