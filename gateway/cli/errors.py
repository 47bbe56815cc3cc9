"""What goes wrong in a command alone."""

from schemas.errors import GatewayError


class CommandError(GatewayError):
    """A command can't do what it was asked."""

    code = "command_failed"
