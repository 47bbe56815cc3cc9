"""An upstream that answers n predictions to n lines of CSV, from bodies that are made once.

python -m benchmarks.rows_upstream PORT
"""

import functools
import sys

import uvloop
from aiohttp import web

PREDICTION = b'{"score":0.2,"predicted_label":0}'


async def predict(request: web.Request) -> web.Response:
    lines = (await request.read()).rstrip(b"\n").count(b"\n") + 1
    return web.Response(body=predictions(lines), content_type="application/json")


@functools.cache
def predictions(n_rows: int) -> bytes:
    return b'{"predictions":[' + b",".join([PREDICTION] * n_rows) + b"]}"


if __name__ == "__main__":
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/endpoints/{endpoint}/invocations", predict)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, loop=uvloop.new_event_loop())
