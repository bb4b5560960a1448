"""Secrets from a seeded generator: the same in every run, in spellings and places that nobody picked by hand."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from random import Random
from typing import Any

from .items import PLACES, Item

SEED = 20261121
ROUNDS = 8
_WORDS = ("jane", "minsu", "otto", "lea", "ravi", "noor", "hana", "paul")
_KEYS = (
    "password",
    "dbPassword",
    "API_KEY",
    "apiKey",
    "client-secret",
    "accessToken",
    "user_token",
    "X-Api-Key",
    "cvv",
)
_QUERY_SAFE = string.ascii_letters + string.digits
_ISSUERS = (("4", 16), ("51", 16), ("55", 16), ("34", 15), ("37", 15), ("6011", 16), ("2221", 16), ("3528", 16))


def _word(random: Random, length: int, alphabet: str = _QUERY_SAFE) -> str:
    return "".join(random.choices(alphabet, k=length))


def _digits(random: Random, length: int) -> str:
    return _word(random, length, string.digits)


def _check_digit(number: str) -> str:
    total = 0
    for place, char in enumerate(reversed(number)):
        digit = int(char) * (1 if place % 2 else 2)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)


def card(random: Random) -> tuple[str, Any]:
    """A card number of a known issuer with its check digit, in one piece or in fours."""
    prefix, length = random.choice(_ISSUERS)
    number = prefix + _digits(random, length - 1 - len(prefix))
    number += _check_digit(number)
    if length == 16:
        number = random.choice(("", " ", "-")).join(number[at : at + 4] for at in range(0, 16, 4))
    return number, random.choice(("card {} declined", "pan={}", "paid with {}.", "({})")).format(number)


def email(random: Random) -> tuple[str, Any]:
    """An address of a reserved domain."""
    name = random.choice(_WORDS) + random.choice(("", ".", "_", "+", "-")) + _word(random, 5)
    secret = f"{name}@{random.choice(('', 'mail.', 'a-b.'))}example.{random.choice(('com', 'org', 'co.kr'))}"
    return secret, random.choice(("no user {}", "<{}>", "mailto:{}", "user={}&n=1", "{}: bounced")).format(secret)


def phone(random: Random) -> tuple[str, Any]:
    """A number as people write it in Korea, in North America, or with a country code."""
    tail = _digits(random, 4)
    secret = random.choice(
        (f"010-{_digits(random, 4)}-{tail}", f"+82 10 5555 {tail}", f"(212) 555-{tail}", f"+49170555{tail}")
    )
    return secret, random.choice(("call {}", "sms to {} failed", "from={};", "[{}]")).format(secret)


def jwt(random: Random) -> tuple[str, Any]:
    """Three parts, the first two of them JSON."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in _claims(random)]
    secret = ".".join([*parts, _word(random, 43)])
    return secret, random.choice(("bad token {}", "jwt={}", "{} has expired", "?t={}")).format(secret)


def _claims(random: Random) -> list[dict[str, Any]]:
    return [{"alg": "HS256"}, {"sub": _word(random, 6)}]


def aws_key(random: Random) -> tuple[str, Any]:
    """An access key's id."""
    secret = random.choice(("AKIA", "ASIA")) + _word(random, 16, string.ascii_uppercase + string.digits)
    return secret, random.choice(("key {} is disabled", "{}", "Credential={}/20261121/eu")).format(secret)


def bearer(random: Random) -> tuple[str, Any]:
    """A header of a request, in a text."""
    secret = _word(random, 24)
    return secret, random.choice(("Authorization: Bearer {}", "sent bearer {}", "-H 'authorization: Token {}'")).format(
        secret
    )


def resident_number(random: Random) -> tuple[str, Any]:
    """Date of birth, a digit of century and sex, and six more."""
    born = f"{random.randint(0, 99):02d}{random.randint(1, 12):02d}{random.randint(1, 28):02d}"
    secret = f"{born}-{random.randint(1, 4)}{_digits(random, 6)}"
    return secret, random.choice(("rrn {}", "no match for {}", "'{}'")).format(secret)


def ssn(random: Random) -> tuple[str, Any]:
    """A number in the usual grouping."""
    secret = f"{random.randint(100, 665)}-{random.randint(10, 99)}-{random.randint(1000, 9999)}"
    return secret, random.choice(("ssn {}", "applicant {} unknown", "({})")).format(secret)


def url_password(random: Random) -> tuple[str, Any]:
    """The password of an address."""
    secret = _word(random, 12, _QUERY_SAFE + "!$%*")
    scheme = random.choice(("postgresql", "redis", "https", "amqp", "mongodb+srv"))
    return secret, f"cannot reach {scheme}://{random.choice(('app', 'root'))}:{secret}@db.example/x"


def pair(random: Random) -> tuple[str, Any]:
    """A named value in a text."""
    secret = _word(random, 14)
    form = random.choice(("{}={}", "{}: {}", "'{}': '{}'", '"{}" = "{}"', "{} => {}", "x=1&{}={}&y=2"))
    return secret, "failed with " + form.format(random.choice(_KEYS), secret)


def nested(random: Random) -> tuple[str, Any]:
    """A named value deep in a structure, as structure or as JSON, once or twice."""
    secret = _word(random, 14)
    value: Any = {random.choice(_KEYS): secret, "n": 1}
    for _ in range(random.randint(0, 2)):
        value = random.choice(({"data": value}, [value, 2]))
    if random.random() < 0.5:
        value = json.dumps(value)
        value = json.dumps({"body": value}) if random.random() < 0.5 else value
    return secret, value


def multipart(random: Random) -> tuple[str, Any]:
    """A part of a form."""
    secret, edge = _word(random, 14), _word(random, 8)
    head = f'--{edge}\r\nContent-Disposition: form-data; name="{random.choice(_KEYS)}"\r\n'
    body = f"{head}{random.choice(('', 'Content-Type: text/plain' + chr(13) + chr(10)))}\r\n{secret}\r\n--{edge}--"
    return secret, body.encode() if random.random() < 0.3 else body


def headers(random: Random) -> tuple[str, Any]:
    """Headers as mapping, as pairs of bytes, or as text."""
    secret = _word(random, 18)
    name = random.choice(("Cookie", "Authorization", "X-Api-Key", "X-Auth-Token", "Proxy-Authorization"))
    return secret, random.choice(
        (
            {name: secret},
            [[name.lower().encode(), secret.encode()]],
            f"{name}: {secret}\r\nAccept: */*",
            {"headers": {name: [secret]}},
        )
    )


def sql(random: Random) -> tuple[str, Any]:
    """What SQLAlchemy and PostgreSQL say."""
    secret = _word(random, 12)
    said = (
        "[SQL: INSERT INTO users (a, b) VALUES (?, ?)]\n[parameters: ('x', '{}')]\n(Background)",
        "[SQL: SELECT 1]\n[parameters: {{'a_1': '{}'}}]",
        "UPDATE users SET password='{}' WHERE id = 3",
        "Key (api_key)=({}) already exists.",
    )
    return secret, random.choice(said).format(secret)


MAKERS: tuple[Callable[[Random], tuple[str, Any]], ...] = (
    *(card, email, phone, jwt, aws_key, bearer, resident_number, ssn),
    *(url_password, pair, nested, multipart, headers, sql),
)
# Where any text fits, unencoded.
_ANYWHERE = tuple(place for place in PLACES if place not in ("query", "header", "user", "key", "tag"))


def generate(seed: int = SEED, rounds: int = ROUNDS) -> list[Item]:
    """Return items of every kind, the same for the same seed."""
    random = Random(seed)  # to be the same each time
    made = []
    for _ in range(rounds):
        for make in MAKERS:
            secret, value = make(random)
            made.append(Item(make.__name__.replace("_", " "), secret, value, random.choice(_ANYWHERE)))
    return made


GENERATED = generate()
