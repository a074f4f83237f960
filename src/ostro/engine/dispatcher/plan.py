"""What one claim statement offers to whom. Pure: it looks at the indexes and changes nothing.

Polls that want the same queues form a party, and a queue is offered to one party per statement: within one
statement a row could be locked twice.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, count, islice

import msgspec

from ostro.engine.dispatcher.matching import Dirty, Waiting
from ostro.engine.dispatcher.session import Poll
from ostro.store.queue import Offer, Queue

_QUEUES_PER_POLL = 100
_POLLS_PER_QUEUE = 64
_QUEUES = 500
_SLOTS = 500
"""What one statement is asked at most, so that no claim holds up the next for long."""


class Party(msgspec.Struct, eq=False):
    """Polls that may run the same queues of those looked at, and which of these they are offered."""

    polls: list[Poll]
    queues: list[Queue]
    slots: list[Poll]

    @property
    def namespace(self) -> int:
        """All its polls are of one."""
        return self.polls[0].session.worker.namespace


class Plan(msgspec.Struct):
    """Who is offered what; `left` are queues for which somebody waits and that did not fit."""

    parties: list[Party]
    left: list[Queue]

    def offer(self) -> Offer:
        """The same, as the statement takes it."""
        numbered = list(enumerate(self.parties))
        return Offer(
            queues=[(queue.namespace, queue.id, n) for n, party in numbered for queue in party.queues],
            slots=[
                (n, number, party.namespace, poll.session.id)
                for n, party in numbered
                for number, poll in enumerate(party.slots, start=1)
            ],
            most={n: len(party.slots) for n, party in numbered},
        )


def plan(queues: Iterable[Queue], polls: Iterable[Poll], dirty: Dirty, waiting: Waiting[Poll]) -> Plan:
    """Looks at queues that something happened to, and at all that new polls may run."""
    looked_at = dict.fromkeys(queue for queue in queues if queue in dirty)
    for poll in polls:
        if poll in waiting:
            served = dirty.served_by(poll.session.worker)
            looked_at.update(dict.fromkeys(islice(served, _QUEUES_PER_POLL)))
    ordered = iter(looked_at)
    wanted: dict[Poll, list[Queue]] = {}
    takers: dict[Queue, Poll] = {}
    for queue in islice(ordered, _QUEUES):
        roomy = (poll for poll in waiting.serving(queue) if poll.room > 0)
        for poll in islice(roomy, _POLLS_PER_QUEUE):
            wanted.setdefault(poll, []).append(queue)
            takers.setdefault(queue, poll)
    parties = _parties(wanted, takers)
    offered = {queue for party in parties for queue in party.queues}
    return Plan(parties, [queue for queue in chain(takers, ordered) if queue not in offered])


def _parties(wanted: dict[Poll, list[Queue]], takers: dict[Queue, Poll]) -> list[Party]:
    """Polls by what they want; each queue goes to the party of the poll that waits longest."""
    by_wish: dict[tuple[Queue, ...], Party] = {}
    party_of: dict[Poll, Party] = {}
    for poll, wish in wanted.items():
        party_of[poll] = by_wish.setdefault(tuple(wish), Party([], [], []))
        party_of[poll].polls.append(poll)
    slots_left = _SLOTS
    for queue, poll in takers.items():
        party = party_of[poll]
        if not party.slots:
            party.slots = list(islice(deal(party.polls), slots_left))
            slots_left -= len(party.slots)
        if party.slots:
            party.queues.append(queue)
    return [party for party in by_wish.values() if party.queues]


def deal(polls: Iterable[Poll]) -> Iterator[Poll]:
    """One slot of each poll in turn, so that jobs spread over the workers that wait.

    A quarter of many stays free for jobs that commits hand over meanwhile: with none, all of these would be queued,
    and need a claim again.
    """
    left = list(polls)
    room = {poll: poll.room - poll.room // 4 for poll in left}
    for taken in count():
        left = [poll for poll in left if room[poll] > taken]
        if not left:
            return
        yield from left
