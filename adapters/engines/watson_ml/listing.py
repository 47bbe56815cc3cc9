"""From what a deployment space lists to endpoints: pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from adapters.base.json_members import Member, read_members
from adapters.base.timestamps import utc_timestamp
from adapters.engines.watson_ml.native import Native
from adapters.engines.watson_ml.settings import WatsonMlEndpointSettings
from schemas.deployment import Asset, Endpoint
from schemas.errors import EngineReplyError

_NO_SETTINGS = WatsonMlEndpointSettings()


class Page(Struct, frozen=True):
    """A part of the list. `following` is the query that asks for the next part; None after the last one."""

    resources: Sequence[Member]
    following: dict[str, str] | None


def read_page(body: bytes) -> Page:
    """Read an answer to `GET /ml/v4/deployments`.

    Raises:
        EngineReplyError: it is not a list of deployments.
    """
    document = read_members(body)
    resources = document["resources"].items
    if resources is None:
        raise EngineReplyError(
            "Watson Machine Learning's list of deployments can't be read: it has no `resources`. Check that `url` is "
            "the base of the service."
        )
    href = document["next"]["href"].text
    # Only the query: the host may be one that is not reached from here, and a token is not sent to any other.
    return Page(resources, None if href is None else dict(parse_qsl(urlsplit(href).query)) or None)


def endpoints_of(resource: Member, configured: Mapping[str, WatsonMlEndpointSettings]) -> list[Endpoint]:
    """Return the endpoints of one deployment: none unless it is online and ready, else one for each name it has here.

    Args:
        resource: an element of `resources`.
        configured: entries of the configuration by name; one that names the deployment's id or serving name lends it
            that name, and without one its id is its name.
    """
    metadata, entity = resource["metadata"], resource["entity"]
    identity = metadata["id"].text or metadata["guid"].text
    ready = (entity["status"]["state"].text or "").lower() == "ready"
    if identity is None or not ready or not entity["online"].is_object:
        return []
    ids = {identity, entity["online"]["parameters"]["serving_name"].text}
    names = [name for name, entry in configured.items() if (entry.id or name) in ids] or [identity]
    return [_endpoint(name, identity, resource, configured.get(name, _NO_SETTINGS)) for name in names]


def configured_endpoint(name: str, entry: WatsonMlEndpointSettings) -> Endpoint:
    """Return the endpoint that an entry of the configuration describes."""
    return Endpoint(name=name, native=Native(id=entry.id or name).as_json(), limits=entry.limits.limits())


def _endpoint(name: str, identity: str, resource: Member, details: WatsonMlEndpointSettings) -> Endpoint:
    metadata, entity = resource["metadata"], resource["entity"]
    title = metadata["name"].text or entity["name"].text
    return Endpoint(
        name=name,
        title=title,
        description=metadata["description"].text or entity["description"].text or "",
        created_at=utc_timestamp(metadata["created_at"].text),
        modified_at=utc_timestamp(metadata["modified_at"].text),
        asset=_asset(entity["asset"], title or identity),
        native=Native(id=identity).as_json(),
        limits=details.limits.limits(),
    )


def _asset(asset: Member, name: str) -> Asset | None:
    href = asset["href"].text
    identity = asset["id"].text or (unquote(urlsplit(href).path.rstrip("/").rpartition("/")[2]) if href else None)
    if not identity:
        return None
    return Asset(id=identity, name=asset["name"].text or name, url=href, revision=asset["rev"].text)
