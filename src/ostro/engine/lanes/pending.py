"""The events that wait for a lane: namespaces take turns, and so do a namespace's workflows."""

from collections.abc import Iterable

from ostro.engine.lanes.envelope import Envelope
from ostro.store.loading.reading import Key

Batch = dict[Key, list[Envelope]]


class Pending:
    """What is put is taken once, in the order of its coming within a workflow; what is held back waits apart."""

    def __init__(self) -> None:
        self._turns: dict[int, Batch] = {}
        self._held: dict[Key, list[Envelope]] = {}
        self.count = 0
        """Events that wait, held back ones included."""

    def put(self, envelope: Envelope) -> None:
        """It comes last of its workflow's."""
        self.count += 1
        held = self._held.get(envelope.key)
        if held is not None:
            held.append(envelope)
        else:
            self._turns.setdefault(envelope.key[0], {}).setdefault(envelope.key, []).append(envelope)

    def put_back(self, key: Key, envelopes: Iterable[Envelope]) -> None:
        """These were taken too early: they come first of their workflow's."""
        back = list(envelopes)
        self.count += len(back)
        if key in self._held:
            self._held[key][:0] = back
        elif back:
            self._turns.setdefault(key[0], {}).setdefault(key, [])[:0] = back

    def hold(self, key: Key) -> None:
        """What comes for the workflow is not taken until `release`."""
        turn = self._turns.get(key[0], {})
        self._held.setdefault(key, []).extend(turn.pop(key, ()))
        if not turn:
            self._turns.pop(key[0], None)

    def release(self, key: Key) -> None:
        """The workflow's events are taken again."""
        held = self._held.pop(key, None)
        if held:
            self._turns.setdefault(key[0], {}).setdefault(key, [])[:0] = held

    def take(self, most: int) -> Batch:
        """A batch of at most so many: one workflow of each namespace in turn, until it is full or nothing is left."""
        batch: Batch = {}
        room = most
        while room > 0 and self._turns:
            namespace = next(iter(self._turns))
            turn = self._turns.pop(namespace)
            key = next(iter(turn))
            waiting = turn.pop(key)
            batch[key], rest = waiting[:room], waiting[room:]
            room -= len(batch[key])
            if rest:  # the batch is full: it comes last of its namespace, which comes last of all
                turn[key] = rest
            if turn:
                self._turns[namespace] = turn
        self.count -= most - room
        return batch
