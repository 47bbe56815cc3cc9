import msgspec
from aiohttp import web

from adapters.testing.openscale.errors import problem


def test_an_answer_that_says_no_has_a_code_a_message_and_a_trace() -> None:
    answer = problem(web.HTTPNotFound, "not_found", "There is none.")
    body = msgspec.json.decode(answer.text or "")
    assert (answer.status, answer.content_type) == (404, "application/json")
    assert body["errors"] == [{"code": "not_found", "message": "There is none."}]
    assert body["trace"]
