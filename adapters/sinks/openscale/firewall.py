"""Records that a firewall in front of OpenScale blocks.

IBM Cloud keeps bodies with fragments of scripts or paths from OpenScale's API; IBM's SDK has a sanitizer against that
(`sanitization_config.py` of `ibm_watson_openscale` 3.1.11). The sink changes no record, so such a one has to be found
and set aside, or it would hold up all that come after it.
"""

from adapters.base import Response
from adapters.sinks.openscale.link import Link
from schemas.errors import SinkRefusedError

_FORBIDDEN = 403
_OK = 200


async def check_not_blocked(link: Link, response: Response, probe: str, *, deadline: float, target: str) -> None:
    """Tell records that are blocked from credentials that may not write.

    Both are answered with 403, a firewall's with a page. It is the records' fault only where the same credentials may
    read the same table at the same moment: a proxy or an account that keeps everything out costs no record.

    Args:
        link: the way to OpenScale.
        response: the answer to a POST of records.
        probe: URL of a question about the table that the records are for.
        deadline: on the event loop's clock, in seconds.
        target: place in the sink's configuration, for messages.

    Raises:
        SinkRefusedError: they are blocked.
        SinkUnavailableError: the probe got no answer.
    """
    if response.status != _FORBIDDEN or not response.headers.get("content-type", "").startswith("text/html"):
        return
    if (await link.get(probe, deadline=deadline)).status == _OK:
        raise SinkRefusedError(
            "A firewall in front of OpenScale blocks the records (status 403): something in them looks like an attack.",
            target=target,
        )
