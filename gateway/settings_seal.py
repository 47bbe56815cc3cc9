"""Seals: what tells whether an engine's settings are still those that its endpoints were discovered with.

A seal is a salted digest, so that it can lie beside the endpoints without saying anything about the settings.
"""

import secrets
from hashlib import blake2b

import msgspec

from schemas.configuration import EngineSettings

_SALT_BYTES = 16
# What `discover` finds is filtered whenever it is learned; `defaults` belong to deployments.
_WITHOUT_EFFECT = frozenset({"discover", "defaults"})


def seal(settings: EngineSettings) -> str:
    """Return the seal of settings; it is another one each time."""
    return _seal(settings, secrets.token_hex(_SALT_BYTES))


def fits(known: str, settings: EngineSettings) -> bool:
    """Whether a seal is of these settings, as far as they shape endpoints: a new password leaves it valid."""
    return known == _seal(settings, known.partition(":")[0])


def _seal(settings: EngineSettings, salt: str) -> str:
    shaping = {
        field.name: getattr(settings, field.name)
        for field in msgspec.structs.fields(settings)
        if field.name not in _WITHOUT_EFFECT and (field.name == "endpoints" or not _holds_secret(field))
    }
    text = msgspec.json.encode([salt, shaping], order="deterministic")
    return f"{salt}:{blake2b(text).hexdigest()}"


def _holds_secret(field: msgspec.structs.FieldInfo) -> bool:
    # Keys of single endpoints are another matter: they become part of what is discovered.
    return b'"writeOnly":true' in msgspec.json.encode(msgspec.json.schema(field.type))
