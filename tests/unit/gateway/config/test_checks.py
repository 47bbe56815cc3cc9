from collections.abc import Callable

Problems = Callable[..., list[str]]


def test_every_section_is_checked(problems: Problems) -> None:
    text = """\
server: {trusted_proxies: [x]}
auth: {mode: basic}
payload_log: {path: absent/payloads.db}
engines:
  one: {type: tin, region: here, discover: false, defaults: {format: tin-text, redact: {scoring_id: drop}}}
deployments:
  credit: {engine: one, endpoint: x, format: tin-text, redact: {scoring_id: drop}}
"""
    assert [line.split(": ")[1] for line in problems(text)] == [
        "server.trusted_proxies[0]",
        "auth.clients",
        "payload_log.path",
        "engines.one.defaults.redact.scoring_id",
        "deployments.credit.endpoint",
        "deployments.credit.redact.scoring_id",
    ]
