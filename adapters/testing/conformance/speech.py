"""What an error says to whoever prints it: in a log line, or in a traceback with all its causes."""

from traceback import format_exception

from schemas.errors import GatewayError


def speech(error: BaseException) -> str:
    """Return all that a log could hold of an error; the words of a platform (`engine_message`) are none of it."""
    target = error.target if isinstance(error, GatewayError) else None
    return "\n".join([str(error), repr(error), str(target), *format_exception(error)])
