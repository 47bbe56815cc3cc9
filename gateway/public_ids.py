"""The ids of discovered endpoints that no deployment names: `<engine>--<endpoint>`."""

import hashlib
import re
from collections.abc import Iterable

_DIGEST_DIGITS = 8


def public_id_of(engine: str, endpoint: str) -> str:
    """Return the id of an endpoint; one with other characters than letters, digits and dashes gets a digest."""
    plain = re.sub(r"[^A-Za-z0-9-]", "-", endpoint)
    if plain != endpoint:
        plain = f"{plain}-{hashlib.sha256(endpoint.encode()).hexdigest()[:_DIGEST_DIGITS]}"
    return f"{engine}--{plain}"


def is_generated_id(name: str, engines: Iterable[str]) -> bool:
    """Tell whether an id has this form, for one of these engines."""
    return any(name.startswith(f"{engine}--") and len(name) > len(engine) + 2 for engine in engines)
