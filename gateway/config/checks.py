"""What a schema can't say: whether the sections fit each other and this machine."""

from collections.abc import Iterator

from gateway.config.configuration import Draft
from gateway.config.deployment_checks import check_deployment, check_deployments
from gateway.config.findings import Place
from gateway.config.server_checks import check_auth, check_payload_log, check_server
from gateway.registry import Registry


def check(draft: Draft, registry: Registry) -> Iterator[tuple[Place, str]]:
    """Yield (place, sentence) for each contradiction among the sections that are right by themselves."""
    if draft.server is not None:
        yield from check_server(draft.server)
    if draft.auth is not None:
        yield from check_auth(draft.auth)
    if draft.payload_log is not None:
        yield from check_payload_log(draft.payload_log)
    yield from check_deployments(draft)
    for name, settings in draft.deployments.items():
        yield from check_deployment(("deployments", name), settings, draft, registry)
    for name, engine in draft.engines.items():
        if engine.settings.defaults is not None:
            yield from check_deployment(("engines", name, "defaults"), engine.settings.defaults, draft, registry)
