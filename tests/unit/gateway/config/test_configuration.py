from pathlib import Path

import pytest

from gateway.config.configuration import Draft
from schemas.configuration import AuthSettings, PayloadLogSettings, ServerSettings


def draft(server: ServerSettings | None) -> Draft:
    return Draft(
        tree={"deployments": {"a": 1}, "sinks": []},
        server=server,
        auth=AuthSettings(),
        payload_log=PayloadLogSettings(redaction_key="PLANTED"),
        engines={},
        deployments={},
        sinks={},
    )


def test_a_draft_without_mistakes_is_a_configuration_that_shows_no_value() -> None:
    configuration = draft(ServerSettings(port=1)).complete(Path("c.yaml"))
    assert (configuration.server.port, configuration.source_path) == (1, Path("c.yaml"))
    assert "PLANTED" not in repr(configuration)


def test_a_draft_with_mistakes_is_none() -> None:
    with pytest.raises(RuntimeError):
        draft(None).complete(Path("c.yaml"))


def test_a_draft_knows_the_names_of_entries_with_mistakes() -> None:
    assert draft(None).names("deployments") == ["a"]
    assert draft(None).names("sinks") == []
    assert draft(None).names("engines") == []
