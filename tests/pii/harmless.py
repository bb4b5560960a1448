"""Look-alikes that must stay readable, because people need them to find what is wrong."""

from __future__ import annotations

from random import Random

from .items import Item

_BY_KIND: dict[str, tuple[str, ...]] = {
    "order number": (
        "order 4242424242424243 not found",  # fails the check digit
        "order 202611-1234567",
        "order 2026-0001-7789",
        "ORD-78123-AX",
        "invoice 000123456789",
        "return #88-1234",
    ),
    "uuid": (
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "12345678-1234-4234-8234-123456789012",
        "trace 0af7651916cd43dd8448eb211c80319c",
        "span b7ad6b7169203331",
        "01HZX3J5N0Q8R2T4V6W8Y0A1B2",
    ),
    "hash": (
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "9fceb02 is ahead",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "etag W/5d8c72a5edda8",
        "md5 d41d8cd98f00b204e9800998ecf8427e",
    ),
    "time": (
        "2026-11-21T10:34:00.123456+00:00",
        "took 1700000000.123 s",
        "at 1700000000123",
        "ns 1700000000123456789",
        "Sat, 21 Nov 2026 10:34:00 GMT",
        "21/11/2026 10:34",
        "PT1H30M",
    ),
    "version": (
        "v1.20.3-rc.1",
        "Python 3.13.0 on linux",
        "2.75.0+local.1",
        "fastapi>=0.115,<1",
        "nginx/1.27.2",
        "postgres 17.2 (Debian 17.2-1.pgdg120+1)",
    ),
    "address": (
        "192.168.10.255:8080",
        "192.0.2.17",
        "198.51.100.4/24",
        "2001:db8::8a2e:370:7334",
        "10.0.0.0/8",
        "00:1B:44:11:3A:B7",
        "http://shop.example:8000/v1/orders/17",
        "/v1/orders/{order_id}/lines/12345",
        "postgresql+asyncpg://db.example:5432/shop",
        "https://docs.example/a?page=2&sort=name#top",
    ),
    "price": ("price 48,000 KRW, 120 left", "1,234,567.89", "0.0525", "-17.5 %", "KRW 1200000", "2 x 19900 = 39800"),
    "sku": ("SKU 123-45-678", "ABC-1234-5678", "B08N5WRWNW", "part 5555-12", "lot 20261121-07"),
    "isbn": ("ISBN 978-3-16-148410-0", "9783161484100", "ISSN 2049-3630", "EAN 9780201379624"),
    "sentence": (
        "the tokenizer read 17 words",
        "unexpected token ')' at line 3",
        "password is required",
        "password must have 12 characters or more",
        "the password was changed yesterday",
        "3 tests pass, 2 fail",
        "secret santa is on friday",
        "the session ended after 3600 s",
        "phones are in aisle 5",
        "no basic plan for this country",
        "email is a required field",
        "the bearer of bad news",
        "author=Jane",
        "compass heading 270",
        "passenger count 4",
        "key not found: shipping",
    ),
    "code": (
        "class_name=Order",
        "KeyError: 'quantity'",
        "line 4242 in <module>",
        "max_tokens_seen < 5",
        "SELECT id, name FROM items WHERE id = 17",
        "index 3 is out of bounds for axis 0 with size 3",
        "0x7f02e326ccd0",
        "HTTP/1.1 503 Service Unavailable",
        "errno 111",
        "exit status 137",
        "pid 31415 uid 1000",
        "retry 3/5 in 0.25s",
        "cpu=0.75 mem=128Mi",
        "GET /v1/products?limit=20 200",
        "content-length: 1234",
        "DE89370400440532013001",  # fails the check digits
    ),
}


def _generated(kind: str, text: str) -> Item:
    return Item(kind, text, text, _PLACES[len(text) % len(_PLACES)])


_PLACES = ("message", "extra", "breadcrumb", "context", "local")


def _made_up(random: Random) -> list[Item]:
    """Fifty more, the same in every run."""
    hexadecimal = "0123456789abcdef"
    made = []
    for number in range(10):
        digits = f"{random.randrange(10**9):09d}"
        sha = "".join(random.choices(hexadecimal, k=39)) + "f"
        stamp = f"{2020 + number}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
        made += [
            _generated("order number", f"order A{digits}"),
            _generated("hash", f"commit {sha}"),
            _generated("time", f"{stamp}T{random.randint(10, 23)}:15:30Z"),
            _generated("version", f"v{number}.{random.randint(0, 99)}.{random.randint(0, 99)}"),
            _generated("address", f"10.{random.randint(0, 255)}.{random.randint(0, 255)}.{number}:{5000 + number}"),
        ]
    return made


HARMLESS = [
    *(
        Item(kind, text, text, _PLACES[number % len(_PLACES)])
        for kind, texts in _BY_KIND.items()
        for number, text in enumerate(texts)
    ),
    *_made_up(Random(20261121)),  # to be the same each time
]
