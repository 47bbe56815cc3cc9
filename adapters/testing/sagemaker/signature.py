"""Verification of AWS Signature Version 4, from the request as it was received.

Source: "Create a signed AWS API request" and "Elements of an AWS API request signature" in the IAM user guide. It
shares no code with any signer, so that a client that passes here has signed by the book.
"""

import hashlib
import hmac
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from msgspec import Struct

from adapters.testing.sagemaker.errors import AwsRefusalError

MAX_SKEW = timedelta(minutes=5)

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,\s]+)/(?P<scope>[^,\s]+),\s*"
    r"SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class AccessKey(Struct, frozen=True, kw_only=True):
    """An access key that the platform knows.

    Attributes:
        id: access key id.
        secret: secret access key.
        session_token: what a request with it must carry, for temporary keys.
        expired: refused as expired.
    """

    id: str
    secret: str
    session_token: str | None = None
    expired: bool = False

    def __repr__(self) -> str:
        return f"AccessKey(id={self.id!r})"


class SignedRequest(Struct, frozen=True):
    """What was received. `headers` keeps their order and repetitions; `target` is path and query as sent."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined as the signature wants them; None without one."""
        values = [" ".join(value.split()) for key, value in self.headers if key.lower() == name]
        return ",".join(values) if values else None


def verify(request: SignedRequest, keys: Mapping[str, AccessKey], *, region: str, now: datetime) -> AccessKey:
    """Return whose request it is.

    Raises:
        AwsRefusalError: unsigned, signed by nobody known, for another region or time, or changed since.
    """
    authorization = request.header("authorization")
    if authorization is None:
        raise _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise _refusal("IncompleteSignatureException", "The Authorization header has not the form of AWS4-HMAC-SHA256.")
    stamp = _check_time(request, now)
    scope = f"{stamp[:8]}/{region}/sagemaker/aws4_request"
    if match["scope"] != scope:
        raise _refusal("InvalidSignatureException", f"Credential should be scoped to {scope}.")
    names = match["names"].split(";")
    _check_names(request, names)
    key = _known_key(request, keys.get(match["key"]))
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{_sha256(_canonical_request(request, names).encode())}"
    if not hmac.compare_digest(_signature(key.secret, scope, text), match["signature"]):
        raise _refusal(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )
    return key


def _check_time(request: SignedRequest, now: datetime) -> str:
    stamp = request.header("x-amz-date") or ""
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _refusal("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from None
    if abs(now - signed_at) > MAX_SKEW:
        late = "expired" if signed_at < now else "not yet current"
        raise _refusal("InvalidSignatureException", f"Signature {late}: {stamp}")
    return stamp


def _check_names(request: SignedRequest, names: Sequence[str]) -> None:
    if list(names) != sorted({name.lower() for name in names}):
        raise _refusal("IncompleteSignatureException", "SignedHeaders must be sorted, in lower case, and each once.")
    present = {name.lower() for name, _ in request.headers}
    needed = {"host"} | {name for name in present if name.startswith("x-amz-")}
    for name in sorted(needed - set(names)):
        raise _refusal("InvalidSignatureException", f"'{name}' must be a 'SignedHeader' in the AWS Request.")
    for name in sorted(set(names) - present):
        raise _refusal("InvalidSignatureException", f"The signed header '{name}' is missing.")


def _known_key(request: SignedRequest, key: AccessKey | None) -> AccessKey:
    if key is None or request.header("x-amz-security-token") != key.session_token:
        raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    if key.expired:
        raise _refusal("ExpiredTokenException", "The security token included in the request is expired")
    return key


def _canonical_request(request: SignedRequest, names: Sequence[str]) -> str:
    path, _, query = request.target.partition("?")
    lines = [
        request.method,
        quote(_normalized(path), safe="/-_.~"),
        "&".join(_sorted_query(query)),
        *(f"{name}:{request.header(name)}" for name in names),
        "",
        ";".join(names),
        # A digest that the client states is not believed: the body is what counts.
        _sha256(request.body),
    ]
    return "\n".join(lines)


def _normalized(path: str) -> str:
    if not path or path == "/":
        return "/"
    normalized = "/" + posixpath.normpath(path).lstrip("/")
    return f"{normalized}/" if path.endswith("/") else normalized


def _sorted_query(query: str) -> Iterable[str]:
    if not query:
        return []
    pairs = (part.partition("=") for part in query.split("&"))
    return [f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs)]


def _signature(secret: str, scope: str, text: str) -> str:
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refusal(code: str, message: str) -> AwsRefusalError:
    return AwsRefusalError(code, message, status=403)
