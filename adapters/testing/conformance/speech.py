"""What an error says to whoever prints it, and whether there is anything that it must not say."""

from traceback import format_exception

import msgspec

from schemas.configuration import Settings
from schemas.errors import GatewayError

SECRETS_WANTED = (
    "Start it with the secrets that its settings take, and list them in `secrets`: nothing else is looked for in logs "
    "and errors."
)


def speech(error: BaseException) -> str:
    """Return all that a log could hold of an error; the words of a platform (`engine_message`) are none of it."""
    target = error.target if isinstance(error, GatewayError) else None
    return "\n".join([str(error), repr(error), str(target), *format_exception(error)])


def takes_secrets(settings: type[Settings]) -> bool:
    """Whether some option holds a `Secret`, or else a value that is only written."""
    return b'"writeOnly":true' in msgspec.json.encode(msgspec.json.schema(settings))
