"""From what another custom engine lists to endpoints: pure.

Two forms are in use, and engines leave keys out: the one of IBM's example engines (`entity.scoring_url`, `asset.guid`)
and the one that OpenScale's SDKs read (`entity.scoring_endpoint`, `asset.asset_id`). `count` is not looked at: it is
wrong in one of IBM's examples.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.base.http_access import check_access
from adapters.base.json_members import Member, read_members
from adapters.base.timestamps import utc_timestamp
from adapters.engines.custom.native import Native
from adapters.engines.custom.settings import CustomEndpointSettings
from adapters.engines.custom.urls import ScoringUrls
from schemas.deployment import Asset, Endpoint
from schemas.errors import EngineReplyError

_NO_SETTINGS = CustomEndpointSettings()


def read_listing(
    body: bytes, urls: ScoringUrls, details: Mapping[str, CustomEndpointSettings]
) -> tuple[list[Endpoint], int]:
    """Return the endpoints that score online, in the engine's order, and how many entries can't be read.

    An entry is identified by `metadata.guid`; without one it can't be read, and of several with the same one the first
    counts.

    Args:
        body: the answer to `GET /v1/deployments`.
        urls: how scoring URLs are chosen.
        details: what the configuration says, by id.

    Raises:
        EngineReplyError: the body is not a list of deployments.
    """
    found: dict[str, Endpoint] = {}
    unreadable = 0
    for entry in _resources(body):
        identity = entry["metadata"]["guid"].text
        if identity is None:
            unreadable += 1
        elif identity not in found and (entry["entity"]["type"].text or "online").lower() == "online":
            found[identity] = _endpoint(identity, entry, urls, details.get(identity, _NO_SETTINGS))
    return list(found.values()), unreadable


def _resources(body: bytes) -> Sequence[Member]:
    resources = read_members(body)["resources"].items
    if resources is None:
        raise EngineReplyError(
            "The custom engine's list of deployments can't be read: it has no `resources`. Check that `url` is the "
            "base of a custom engine."
        )
    return resources


def _endpoint(identity: str, entry: Member, urls: ScoringUrls, details: CustomEndpointSettings) -> Endpoint:
    metadata, entity = entry["metadata"], entry["entity"]
    scoring = entity["scoring_endpoint"]
    listed = (entity["scoring_url"].text, scoring["url"].text, metadata["url"].text)
    native = Native(
        url=details.url or urls.chosen(listed, identity),
        headers={} if details.url else _headers(scoring),
    )
    properties = entity["asset_properties"]
    return Endpoint(
        name=identity,
        title=entity["name"].text,
        description=entity["description"].text or "",
        rn=entity["deployment_rn"].text,
        created_at=utc_timestamp(metadata["created_at"].text),
        modified_at=utc_timestamp(metadata["modified_at"].text),
        asset=_asset(entity["asset"], identity, entity["name"].text or identity),
        input_schema=_struct(properties["input_data_schema"]),
        output_schema=_struct(properties["output_data_schema"]),
        native=native.as_json(),
        limits=details.limits.limits(),
    )


def _asset(asset: Member, identity: str, name: str) -> Asset:
    return Asset(
        id=asset["asset_id"].text or asset["guid"].text or identity,
        name=asset["name"].text or name,
        url=asset["url"].text,
        rn=asset["asset_rn"].text,
        created_at=utc_timestamp(asset["created_at"].text),
    )


def _headers(scoring: Member) -> dict[str, str]:
    """Return the headers that are listed with a scoring URL; a listed token is one of them."""
    token = scoring["credentials"]["token"].text
    listed = {} if token is None else {"Authorization": f"Bearer {token}"}
    listed.update({name: value for name, value in scoring["request_headers"].members.items() if isinstance(value, str)})
    return {name: value for name, value in listed.items() if _sendable(name, value)}


def _sendable(name: str, value: str) -> bool:
    try:
        check_access(None, {name: value})
    except ValueError:
        return False
    return True


def _struct(schema: Member) -> dict[str, Any] | None:
    return None if schema["fields"].items is None else schema.members
