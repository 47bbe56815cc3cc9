from contextlib import AsyncExitStack

from adapters.sinks import webhook
from adapters.testing.conformance import Content, HttpSinkBench
from adapters.testing.webhook import WebhookReceiver

_KEY = "Y29udHJhY3QtY29udHJhY3QtY29udHJhY3Q="
_TOKEN = "token-of-the-contract"


class WebhookBench(HttpSinkBench):
    plugin = webhook.plugin
    store_route = "events"
    secrets = (_KEY, _TOKEN)

    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        self.receiver = WebhookReceiver(secret=f"whsec_{_KEY}", headers=headers)
        self.emulator = await stack.enter_async_context(self.receiver)
        return {
            "type": "webhook",
            "url": self.receiver.events_url,
            "secret": f"whsec_{_KEY}",
            "headers": headers,
        }

    async def stored(self) -> list[str]:
        return sorted(f"{event.id}-{n}" for event in self.receiver.events for n in range(1, event.data["rows"] + 1))

    async def content(self, scoring_id: str) -> Content:
        return Content.of_record(next(event.data for event in self.receiver.events if event.id == scoring_id))

    async def refuse(self, scoring_id: str) -> None:
        self.receiver.refused.add(scoring_id)
