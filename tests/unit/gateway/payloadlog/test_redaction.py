from typing import Any

from gateway.payloadlog.redaction import MASK, Redactor, unnamed_columns
from schemas.configuration import DeploymentSettings, InputSettings
from schemas.deployment import Deployment, Endpoint
from schemas.scoring import RequestMeta, ScoringRequest, ScoringResponse

REQUEST = ScoringRequest(
    values=[["Ann", 41, "a@example.com"], ["Bob", 17, None]],
    fields=["Name", "Age", "Mail"],
    meta=RequestMeta(["Sex", "Name2"], [["F", "Ann"], ["M", "Bob"]]),
)


def test_drops_masks_and_hashes_wherever_a_column_stands() -> None:
    redactor = Redactor({"Name": "drop", "Mail": "mask", "Sex": "hash"}, b"key")
    redacted = redactor.request(REQUEST)
    assert redacted.fields == ["Age", "Mail"]
    assert redacted.values == [[41, MASK], [17, None]]
    assert redacted.meta is not None
    assert redacted.meta.fields == ["Sex", "Name2"]
    assert all(len(row[0]) == 64 for row in redacted.meta.values)
    assert REQUEST.values[0][0] == "Ann"


def test_echoed_columns_are_redacted_in_the_response() -> None:
    redactor = Redactor({"Name": "drop"}, b"key")
    response = redactor.response(ScoringResponse(fields=["Name", "prediction"], values=[["Ann", 1]], labels=[0, 1]))
    assert response == ScoringResponse(fields=["prediction"], values=[[1]], labels=[0, 1])


def test_equal_values_have_equal_digests_only_under_the_same_key() -> None:
    def digest(key: bytes) -> object:
        return Redactor({"Name": "hash"}, key).request(REQUEST).values[0][0]

    assert digest(b"one") == digest(b"one")
    assert digest(b"one") != digest(b"two")


def test_unnamed_columns_are_those_of_the_configuration_then_of_the_endpoint_without_constants() -> None:
    def of(columns: tuple[str, ...] | None, **fields: Any) -> list[str]:
        settings = DeploymentSettings(input=InputSettings(**fields))
        endpoint = Endpoint(name="model", columns=columns)
        return unnamed_columns(Deployment(id="credit", engine="aws", endpoint=endpoint, settings=settings), settings)

    assert of(("x", "y"), fields=("a", "b"), constants={"a": 1}) == ["b"]
    assert of(("x", "y"), constants={"a": 1}) == ["x", "y"]
    assert of(None) == []
