"""A made-up world of payments in which it is known who is a fraud.

Nothing in it is anybody's: users, cards and devices are numbers, addresses are from ranges for documentation and
benchmarks (RFC 5737, RFC 2544). What decides about fraud is a story that the engines don't see: a stolen account used
from abroad, or carefully from next door; cards tried out; a ring that shares devices; a customer who denies an honest
purchase later. Honest people have stories, too: they travel, buy a new telephone, share one, buy something dear. So
nobody can be right about all of them, and precision and recall stay below 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from service.fds.history.past import DAY
from service.fds.threat_lists import Threat
from service.fds.transaction import Transaction

COUNTRIES = ("KR", "KR", "KR", "KR", "KR", "KR", "JP", "US", "CN", "VN")
ABROAD = ("US", "BR", "RU", "NG", "VN", "CN", "TH", "GB")
LISTED_DEVICES, LISTED_CARDS, LISTED_HONEST = 0.3, 0.2, 0.001
"""Shares of the fraudsters' devices and cards that somebody has reported, and of honest devices reported wrongly."""


@dataclass(slots=True)
class Person:
    """A user with habits."""

    user_id: str
    country: str
    amount: float  # mean of the logarithm of amounts
    spread: float
    devices: list[str]
    cards: list[str]
    address: str
    born: float  # seconds since the epoch at registration


@dataclass(frozen=True, slots=True)
class Told:
    """A payment, whether it is a fraud, and the story behind it."""

    transaction: Transaction
    fraud: bool
    story: str


@dataclass
class World:
    """Makes payments in the order of time; the same seed makes the same ones.

    Args:
        seed: of all chance.
        people: users there are at the start.
        start: seconds since the epoch of the first payment.
        rate: payments an hour, of everybody together.
        prefix: begins each id, so that two worlds can share a service.
    """

    seed: int
    people: int = 2000
    start: float = 1_700_000_000.0
    rate: float = 600.0
    prefix: str = "w"
    threats: dict[str, Threat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Populate the world."""
        self._random = Random(self.seed)  # noqa: S311  # chance, not secrecy
        self._number = 0
        self._everybody = [self._person(self._random.uniform(1, 900)) for _ in range(self.people)]
        self._rings = [self._name("d") for _ in range(max(2, self.people // 200))]
        for device in self._rings:
            if self._random.random() < LISTED_DEVICES:
                self.threats[f"device:{device}"] = Threat("fraud_ring", 95)

    def payments(self, count: int) -> Iterator[Told]:
        """Tell of `count` payments."""
        coming: list[tuple[float, int, Told]] = []  # stories last, and overlap
        now, begun = self.start, 0
        for _ in range(count):
            while not coming or coming[0][0] > now:
                now += self._random.expovariate(self.rate / 3600)
                for payment in self._story()(now):
                    begun += 1
                    heappush(coming, (payment.transaction.at, begun, payment))
            yield heappop(coming)[2]

    def _story(self) -> Callable[[float], Iterator[Told]]:
        stories = (
            (900, self._ordinary),
            (12, self._travel),
            (12, self._new_device),
            (10, self._dear),
            (8, self._newcomer),
            (6, self._spree),
            (4, self._stolen_abroad),
            (5, self._stolen_next_door),
            (2, self._cards_tried),
            (3, self._ring),
            (3, self._denied),
        )
        (chosen,) = self._random.choices([story for _, story in stories], [weight for weight, _ in stories])
        return chosen

    # Honest people.

    def _ordinary(self, now: float) -> Iterator[Told]:
        yield self._honest("ordinary", self._anybody(), now)

    def _travel(self, now: float) -> Iterator[Told]:
        person, there = self._anybody(), self._random.choice(ABROAD)
        for hour in range(self._random.randint(1, 3)):
            yield self._honest("travel", person, now + 3600 * hour, country=there, ip=self._address())

    def _new_device(self, now: float) -> Iterator[Told]:
        person = self._anybody()
        person.devices = [self._name("d"), *person.devices[:2]]
        if self._random.random() < LISTED_HONEST * 10:
            self.threats[f"device:{person.devices[0]}"] = Threat("botnet", 70)  # bought second hand
        yield self._honest("new_device", person, now, device=person.devices[0])

    def _dear(self, now: float) -> Iterator[Told]:
        person = self._anybody()
        yield self._honest("dear", person, now, amount=int(math.exp(person.amount) * self._random.uniform(4, 15)))

    def _newcomer(self, now: float) -> Iterator[Told]:
        person = self._person(0.0, now)
        self._everybody[self._random.randrange(len(self._everybody))] = person
        yield self._honest("newcomer", person, now)

    def _spree(self, now: float) -> Iterator[Told]:
        person = self._anybody()
        for step in range(self._random.randint(3, 7)):
            yield self._honest("spree", person, now + step * self._random.uniform(5, 200))

    # The others.

    def _stolen_abroad(self, now: float) -> Iterator[Told]:
        person, device = self._anybody(), self._name("d")
        facts = {"device": device, "country": self._random.choice(ABROAD), "ip": self._bad_address()}
        for step in range(self._random.randint(1, 5)):
            amount = int(math.exp(person.amount) * self._random.uniform(2, 12))
            yield self._fraud(
                "stolen_abroad", person, now + step * self._random.uniform(10, 90), amount=amount, **facts
            )

    def _stolen_next_door(self, now: float) -> Iterator[Told]:
        person = self._anybody()
        device = self._name("d") if self._random.random() < 0.6 else person.devices[0]
        for step in range(self._random.randint(1, 2)):
            amount = int(math.exp(person.amount) * self._random.uniform(0.8, 4))
            yield self._fraud("stolen_next_door", person, now + 400 * step, amount=amount, device=device)

    def _cards_tried(self, now: float) -> Iterator[Told]:
        person, device, address = self._person(0.0, now), self._name("d"), self._bad_address()
        for step in range(self._random.randint(4, 9)):
            card = self._stolen_card()
            amount = self._random.randint(1_000, 4_900) if step < 5 else self._random.randint(200_000, 900_000)
            facts = {"device": device, "ip": address, "card": card, "card_country": self._random.choice(ABROAD)}
            yield self._fraud("cards_tried", person, now + step * self._random.uniform(4, 30), amount=amount, **facts)

    def _ring(self, now: float) -> Iterator[Told]:
        device = self._random.choice(self._rings)
        for step in range(self._random.randint(1, 4)):
            person = self._person(0.0, now - self._random.uniform(0, 2 * DAY))
            amount = self._random.randint(150_000, 1_200_000)
            facts = {"device": device, "card": self._stolen_card(), "ip": self._bad_address()}
            yield self._fraud("ring", person, now + step * self._random.uniform(60, 900), amount=amount, **facts)

    def _denied(self, now: float) -> Iterator[Told]:
        yield self._fraud("denied", self._anybody(), now)

    # What they are made of.

    def _honest(self, story: str, person: Person, at: float, **facts: str | int) -> Told:
        return Told(self._payment(person, at, facts), False, story)

    def _fraud(self, story: str, person: Person, at: float, **facts: str | int) -> Told:
        return Told(self._payment(person, at, facts), True, story)

    def _payment(self, person: Person, at: float, facts: dict[str, str | int]) -> Transaction:
        chance = self._random
        told = {
            "amount": int(math.exp(chance.gauss(person.amount, person.spread))),
            "device": chance.choice(person.devices),
            "card": chance.choice(person.cards),
            "ip": person.address,
            "country": person.country,
            "card_country": person.country if chance.random() < 0.985 else chance.choice(ABROAD),
            **facts,
        }
        amount = max(1_000, min(20_000_000, int(told.pop("amount"))))
        return Transaction(
            transaction_id=self._name("t"),
            user_id=person.user_id,
            amount=amount,
            payment_method="card",
            account_age_days=max(0.0, at - person.born) / DAY,
            at=at,
            **{name: str(value) for name, value in told.items()},
        )

    def _person(self, days: float, now: float | None = None) -> Person:
        chance = self._random
        return Person(
            user_id=self._name("u"),
            country=chance.choice(COUNTRIES),
            amount=chance.gauss(10.4, 0.7),
            spread=chance.uniform(0.25, 0.7),
            devices=[self._name("d") for _ in range(chance.choice((1, 1, 2, 3)))],
            cards=[self._name("c") for _ in range(chance.choice((1, 1, 2)))],
            address=self._address(),
            born=(self.start if now is None else now) - days * DAY,
        )

    def _anybody(self) -> Person:
        return self._random.choice(self._everybody)

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{self.prefix}{kind}{self._number}"

    def _stolen_card(self) -> str:
        card = self._name("c")
        if self._random.random() < LISTED_CARDS:
            self.threats[f"card:{card}"] = Threat("stolen_card", 90)
        return card

    def _address(self) -> str:
        return f"198.{self._random.choice((18, 19))}.{self._random.randrange(256)}.{self._random.randrange(1, 255)}"

    def _bad_address(self) -> str:
        if self._random.random() < 0.15:
            address = f"203.0.113.{self._random.randrange(1, 255)}"
            self.threats[f"ip:{address}"] = Threat("proxy", 75)
            return address
        return self._address()
