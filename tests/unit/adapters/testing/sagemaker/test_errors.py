import json

from adapters.testing.sagemaker.errors import AwsRefusalError, aws_error


def test_an_error_has_the_shape_of_aws():
    fault = aws_error("ModelError", 424, "words", headers={"Retry-After": "1"}, OriginalStatusCode=500)
    assert fault.route == "invocations"
    assert fault.status == 424
    assert json.loads(fault.body) == {"__type": "ModelError", "Message": "words", "OriginalStatusCode": 500}
    assert fault.headers == {"x-amzn-ErrorType": "ModelError", "Retry-After": "1"}


def test_a_refusal_is_typed_in_a_header_by_the_runtime_and_in_the_body_by_the_control_plane():
    refusal = AwsRefusalError("ValidationError", "words", details={"More": 1})
    runtime = refusal.response(for_control_plane=False)
    assert runtime.headers["x-amzn-ErrorType"].startswith("ValidationError:")
    assert json.loads(runtime.body)["message"] == "words"
    control = refusal.response(for_control_plane=True)
    assert "x-amzn-ErrorType" not in control.headers
    assert json.loads(control.body)["__type"] == "ValidationError"
    assert json.loads(control.body)["More"] == 1
