"""Object stores on loopback with scripts of faults: moto's S3 behind a relay, and a little of Azure Blob Storage."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from io import BytesIO
from uuid import uuid4
from xml.sax.saxutils import escape

import boto3
from aiohttp import ClientSession, web
from moto.server import ThreadedMotoServer

from adapters.testing.emulator import Emulator

S3_KEYS = ("AKIACONTRACT", "very-secret-access-key")
AZURE_KEY = "dmVyeS1zZWNyZXQtYWNjb3VudC1rZXk="


class Objects(Emulator):
    """What both share: what stands in `refused` is refused for its size, as the value of a record in JSON Lines."""

    def __init__(self, routes: list[web.RouteDef]) -> None:
        super().__init__(routes)
        self.refused: set[str] = set()

    def refuses(self, body: bytes) -> bool:
        return any(f'"{scoring_id}"'.encode() in body for scoring_id in self.refused)


class S3Relay(Objects):
    """Passes requests on to a server of S3; writes are the route `store`.

    Attributes:
        page_keys: how many a page of a listing holds at most.
    """

    def __init__(self, server: str, bucket: str) -> None:
        super().__init__(
            [web.put("/{key:.*}", self._store, name="store"), web.get("/{key:.*}", self._pass_on, name="other")]
        )
        self.bucket = bucket
        self.page_keys = 1000
        self._server = server

    def objects(self) -> dict[str, bytes]:
        """Return the bodies by key."""
        with closing(s3_client(self._server)) as client:
            listed = client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
            keys = [item["Key"] for item in listed]
            return {key: client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    async def _store(self, request: web.Request) -> web.Response:
        if self.refuses(await request.read()):
            error = "<Error><Code>EntityTooLarge</Code><Message>Too large</Message></Error>"
            return web.Response(status=400, text=error, content_type="application/xml")
        return await self._pass_on(request)

    async def _pass_on(self, request: web.Request) -> web.Response:
        body, url = await request.read(), request.rel_url
        if "list-type" in url.query:
            url = url.update_query({"max-keys": self.page_keys})
        asked = {name: value for name, value in request.headers.items() if name != "Expect"}
        async with (
            ClientSession(self._server, auto_decompress=False) as session,
            session.request(request.method, url, data=BytesIO(body), headers=asked) as answer,
        ):
            headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


class AzureBlobs(Objects):
    """One container of Azure Blob Storage: Put (the route `store`), Get and List Blobs. Believes any signature."""

    def __init__(self) -> None:
        super().__init__(
            [
                web.put("/account/{container}/{blob:.*}", self._store, name="store"),
                web.get("/account/{container}", self._list, name="other"),
                web.get("/account/{container}/{blob:.*}", self._give, name="read"),
            ]
        )
        self.blobs: dict[str, bytes] = {}

    async def _store(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.refuses(body):
            return web.Response(status=413, headers={"x-ms-error-code": "RequestBodyTooLarge"})
        assert request.headers["x-ms-blob-type"] == "BlockBlob"
        self.blobs[request.match_info["blob"]] = body
        return web.Response(status=201, headers={"ETag": '"1"', "Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"})

    async def _give(self, request: web.Request) -> web.Response:
        body = self.blobs.get(request.match_info["blob"])
        if body is None:
            return web.Response(status=404, headers={"x-ms-error-code": "BlobNotFound"})
        first, last = (int(end) for end in request.headers["x-ms-range"].removeprefix("bytes=").split("-"))
        headers = {
            "Content-Range": f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}",
            "ETag": '"1"',
            "Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT",
        }
        return web.Response(status=206, body=body[first : last + 1], headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        prefix = request.query.get("prefix", "")
        found = "".join(
            f"<Blob><Name>{escape(name)}</Name></Blob>" for name in sorted(self.blobs) if name.startswith(prefix)
        )
        text = f"<EnumerationResults><Blobs>{found}</Blobs><NextMarker /></EnumerationResults>"
        return web.Response(text=text, content_type="application/xml")


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's server, and return its URL."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@asynccontextmanager
async def s3() -> AsyncIterator[S3Relay]:
    """Run S3 with a bucket."""
    bucket = f"records-{uuid4().hex}"
    with moto_server() as server:
        with closing(s3_client(server)) as client:
            client.create_bucket(Bucket=bucket)
        async with S3Relay(server, bucket) as relay:
            yield relay


def s3_client(url: str):
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=S3_KEYS[0],
        aws_secret_access_key=S3_KEYS[1],
    )
