"""The way of requeued dead letters: beside their lane, so that one that fails again holds nothing up."""

from collections.abc import Callable, Sequence
from functools import partial

from adapters.base.sink import Batch
from gateway.payloadlog.cursors import Cursors, DeadLetter
from gateway.payloadlog.lane import Lane, Stopped, cut_batch
from gateway.payloadlog.requeued import read_requeued, requeued_bytes, settle_requeued


class RequeueLane(Lane):
    """Ships what is requeued of one lane, as soon as it is there."""

    _in_hand: Sequence[int] = ()

    async def _ripe(self) -> int:
        """Wait until there is something; return its size in bytes."""
        look = partial(requeued_bytes, lane=self._key, records=self._limits.records)
        while True:
            self._changed.clear()
            if self._stopping.is_set():
                raise Stopped
            if size := await self._patiently(look):
                return int(min(size, self._max_bytes))
            await self._changed.wait()

    def _read(self, cursors: Cursors) -> Batch | DeadLetter | None:
        rows = read_requeued(cursors, lane=self._key, records=self._limits.records, n_bytes=self._max_bytes)
        self._in_hand = [row.seq for row in rows]
        return cut_batch(self._key.deployment_id, rows, self._sink) if rows else None

    def _settling(self, cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> Callable[[Cursors], None]:
        # What was requeued meanwhile may lie before `cursor`, and was not sent.
        settled = [seq for seq in self._in_hand if seq <= cursor]
        self._in_hand = self._in_hand[len(settled) :]
        return partial(settle_requeued, lane=self._key, seqs=settled, dead=dead)
