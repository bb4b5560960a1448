"""Masking by key and by value."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.error_metrics import mask_pii
from service.error_metrics.account_numbers import iban_valid, luhn_valid
from service.error_metrics.masking import (
    _SUSPICIOUS,
    _SUSPICIOUS_WORDS,
    DEFAULT_FIELDS,
    DEFAULT_PATTERNS,
    MASK,
    MAX_DEPTH,
    MAX_TEXT,
    Masker,
)

SECRETS = {
    "visa": "4242 4242 4242 4242",
    "visa with dashes": "4242-4242-4242-4242",
    "amex": "378282246310005",
    "amex, grouped": "3782 822463 10005",
    "mastercard of the 2-series": "2223003122003222",
    "mastercard of the 2-series, grouped": "2223-0031-2200-3222",
    "unionpay, 19 digits": "6222021234567890128",
    "unionpay, 19 digits in groups": "6222 0212 3456 7890 128",
    "e-mail": "jane.doe+shop@mail.example.co.kr",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "bearer": "Bearer abcdef0123456789abcdef",
    "resident number": "900101-1234567",
    "ssn": "078-05-1120",
    "phone, international": "+82 10-1234-5678",
    "phone, Korean": "010-1234-5678",
    "phone, Korean with blanks": "010 1234 5678",
    "IBAN": "DE89370400440532013000",
    "IBAN in fours": "GB29 NWBK 6016 1331 9268 19",
    "github, fine-grained": "github_pat_11ABCDEFG0123456789_abcdefghijklmnop",
    "google": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "phone, US": "(415) 555-2671",
    "phone, Korean fixed line": "02-312-3456",
    "phone of an URL": "%2B821055554444",
    "visa of an URL": "4242%204242%204242%204242",
    "e-mail of an URL": "jane%40example.com",
    "SendGrid": "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzr",
    "password of an URL": "app:hunter2",
}
# One text for each word of the quick look, in which nothing else is suspicious.
SUSPECTED = {
    "eyj": "eyJabcdefghij.eyJabcdefghij.abcdefghij",
    "akia": "AKIAABCDEFGHIJKLMNOP",
    "asia": "ASIAABCDEFGHIJKLMNOP",
    "bearer": "Bearer abcdefghijkl",
    "basic": "Basic abcdefghijkl",
    "token": "Token abcdefghijkl",
    "pass": "wrong passphrase 'hunter'",
    "identified by": "IDENTIFIED BY 'hunter'",
}
HARMLESS = [
    "order 4242424242424243 not found",  # fails the check digit
    "took 1700000000.123 s",
    "2026-11-21T10:34:00+00:00",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "v1.20.3-rc.1",
    "192.168.10.255:8080",
    "SKU 123-45-678",
    "https://shop.example/v1/orders/17",
    "price 48,000 KRW, 120 left",
    "the tokenizer read 17 words",
    "class_name=Order",
    "DE89370400440532013001",  # fails the check digits
    "http://a.example:80/x?n=1",
    "3 tests pass, 2 fail",
    "password is required",
    "unexpected token ')' at line 3",
    "order 202699-1234567",  # no month or day
]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_a_text_is_hidden(secret: str) -> None:
    """The rest of the sentence stays."""
    text = f"cannot reach https://{secret}@db.example" if secret == "app:hunter2" else f"failed for {secret} today"
    masked = mask_pii(text)
    assert secret not in masked
    assert MASK in masked
    assert masked.startswith(("failed for", "cannot reach https://"))


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    """Look-alikes remain readable."""
    assert mask_pii(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "Password",
        "passwords",
        "passWord",
        "PassPhrase",
        "pass_word",
        "pass",
        "otp",
        "userpassword",
        "password_hash",
        "clientSecret",
        b"token",
        "user_password",
        "X-Api-Key",
        "apiKey",
        "APIKEY",
        "credit-card",
        "Set-Cookie",
        "ssn",
    ],
)
def test_a_value_under_a_sensitive_key_is_hidden(key: str | bytes) -> None:
    """Whatever spelling the key has, and whatever the value is."""
    name = key.decode() if isinstance(key, bytes) else key
    assert mask_pii({key: "x", "deep": [{key: {"a": 1}}]}) == {name: MASK, "deep": [{name: MASK}]}


@pytest.mark.parametrize("key", ["class_name", "compass", "smartphone", "passage", "name", "mission"])
def test_a_key_that_only_contains_the_letters_is_not_sensitive(key: str) -> None:
    """`class_name` has the letters of `ssn`, but not the word."""
    assert mask_pii({key: "x"}) == {key: "x"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2 rest", "password=*** rest"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("token: abc, next", "token: ***, next"),
        ("secret='two words' end", "secret=*** end"),
        (r'{"password": "a\"b c", "n": 1}', '{"password": ***, "n": 1}'),
        ("{b'password': b'x y', 'n': 1}", "{b'password': ***, 'n': 1}"),
        ("password   =>   hunter2 rest", "password   =>   *** rest"),
        ("clientSecret=abc rest", "clientSecret=*** rest"),
        ("password_hash=abc passwordHash=def", "password_hash=*** passwordHash=***"),
        ("userpassword=abc passwords=def", "userpassword=*** passwords=***"),
        ('password="it was cut here', "password=***"),
        ("Authorization: Custom abc def", "Authorization: ***"),
        ("Cookie: a=b; session=c\nnext", "Cookie: ***\nnext"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- rest", "*** rest"),
        ("redis://:p@ss:word@cache.example/0", "redis://***@cache.example/0"),
        ("at postgres://user:pa/ss@db.example/x", "at ***@db.example/x"),
        ("password%3Dhunter2&n=1", "password%3D***&n=1"),
        ("run --db-password hunter2 --verbose", "run --db-password *** --verbose"),
        ("[('password', 'hunter2'), ('n', 1)]", "[('password', ***), ('n', 1)]"),
        ("X-Amz-Signature=abc&n=1", "X-Amz-Signature=***&n=1"),
        (r'{"body": "{\"token\": \"a\\\"b c\", \"n\": 1}"}', r'{"body": "{\"token\": ***, \"n\": 1}"}'),
        ('{"tokens": ["a", {"b": "c]"}], "n": 1}', '{"tokens": ***, "n": 1}'),
        ("cookies={'a': 'b}', 'c': {'d': 'e'}} rest", "cookies=*** rest"),
        ('{"password": [[["a"], ["b"]], "c"], "n": 1}', '{"password": ***, "n": 1}'),
        ('{"password": {"a": [{"b": ("x",)}, "c"]}, "n": 1}', '{"password": ***, "n": 1}'),
        ('{"n": 1, "password": [[[[[["a"]]]], "b"], "c"]}', '{"n": 1, "password": ***'),
        ("{'msg': 'not a number', 'input': {'a': 'b}'}, 'ctx': {}}\n", "{'msg': 'not a number', 'input': ***}\n"),
        ("Key (api_key)=(abc) already exists", "Key (api_key)=*** already exists"),
        ("wrong password 'hunter' for bob", "wrong password *** for bob"),
        ("the password is hunter2 now", "the password is *** now"),
        ("SET PASSWORD FOR bob = 'x y'", "SET PASSWORD ***"),
        ("<db:user_token a='1'>two words</db:user_token>", "<db:user_token a='1'>***</db:user_token>"),
        (
            '--b\r\ncontent-disposition: form-data; name="user[pwd]"\r\nContent-Type: a/b\r\n\r\ntwo\r\nlines\r\n--b',
            '--b\r\ncontent-disposition: form-data; name="user[pwd]"\r\nContent-Type: a/b\r\n\r\n***\r\n--b',
        ),
        (
            "input should be a number [input_value='hunter2', input_type=str]",
            "input should be a number [input_value=***, input_type=str]",
        ),
        (
            "[SQL: INSERT]\n[parameters: ('bob', 'hunter2')]\n(Background)",
            "[SQL: INSERT]\n[parameters: ***]\n(Background)",
        ),
    ],
)
def test_a_pair_inside_a_text_is_hidden(text: str, masked: str) -> None:
    """Logs and messages write keys and values in many ways."""
    assert mask_pii(text) == masked


def test_the_fields_that_are_hidden_by_default_are_these() -> None:
    """Leaving one out shows what it hides."""
    assert sorted(DEFAULT_FIELDS) == [
        *("access_key", "api_key", "apikey", "authorization", "card_number", "cookie", "credentials", "credit_card"),
        *(
            "cvc",
            "cvv",
            "date_of_birth",
            "dsn",
            "email",
            "iban",
            "jwt",
            "mobile",
            "otp",
            "pass",
            "passphrase",
            "passwd",
        ),
        *("password", "phone", "private_key", "pwd", "resident_number", "rrn", "secret", "session_id", "set_cookie"),
        *("signature", "ssn", "token"),
    ]


@pytest.mark.parametrize("field", DEFAULT_FIELDS)
def test_every_field_is_hidden_as_a_key_and_in_a_text(field: str) -> None:
    """By the name that is documented, and in capitals."""
    assert mask_pii({field: "x"}) == {field: MASK}
    assert mask_pii(f"{field}=hunter rest") == f"{field}=*** rest"
    assert mask_pii(f'{{"{field.upper()}": "two words"}}') == f'{{"{field.upper()}": ***}}'


@pytest.mark.parametrize("word", SUSPECTED)
def test_every_word_of_the_quick_look_finds_what_it_stands_for(word: str) -> None:
    """Without it the text would be passed on unseen."""
    text = SUSPECTED[word]
    assert [other for other in _SUSPICIOUS_WORDS if other in text.lower()] in ([word], [])
    assert _SUSPICIOUS.search(text) is None
    assert MASK in mask_pii(text)


@pytest.mark.parametrize("tail", ["123", "1", "120 left"])
def test_digits_behind_a_card_number_do_not_save_it(tail: str) -> None:
    """They might be the end of a longer one, and are not."""
    assert mask_pii(f"4242 4242 4242 4242 {tail}") == f"*** {tail}"


def test_a_pair_in_a_list_is_hidden_like_one_in_a_mapping() -> None:
    """Frameworks keep headers and the fields of forms so."""
    assert mask_pii([(b"authorization", b"x"), (b"accept", b"y")]) == [["authorization", MASK], ["accept", "y"]]
    assert mask_pii([("token", None), ("n", 1)]) == [["token", None], ["n", 1]]


def test_null_under_a_sensitive_key_says_that_there_was_nothing() -> None:
    """Nothing is no secret."""
    assert mask_pii({"password": None}) == {"password": None}


def test_a_card_number_that_is_a_number_is_hidden() -> None:
    """JSON may hold it without quotes."""
    assert mask_pii({"n": 4242424242424242, "m": 12, "ok": True}) == {"n": MASK, "m": 12, "ok": True}


def test_a_key_that_is_a_secret_is_hidden() -> None:
    """Some mappings go by e-mail address."""
    assert mask_pii({"a@b.example": 1}) == {MASK: 1}


def test_bytes_are_read_as_text() -> None:
    """Request bodies are bytes."""
    assert mask_pii([b"mail a@b.example"]) == ["mail ***"]


def test_half_a_surrogate_pair_is_replaced() -> None:
    """What is masked can be encoded; a whole character stays."""
    assert mask_pii({"a\ud800": ["\udcff한\U0001f600"]}) == {"a?": ["?한\U0001f600"]}


def test_own_fields_and_patterns_replace_the_defaults() -> None:
    """A service knows its own secrets."""
    assert mask_pii({"password": "x", "shoe_size": 43}, fields=["shoe_size"]) == {"password": "x", "shoe_size": MASK}
    assert mask_pii("order A-17 of a@b.example", patterns=[r"A-\d+"]) == "order *** of a@b.example"


def test_a_bad_pattern_is_refused() -> None:
    """The error names the setting."""
    with pytest.raises(ValueError, match="pii_patterns: '\\(' is no regular expression"):
        Masker((), ["("])


def test_a_long_text_is_cut_at_a_word_so_that_no_half_secret_stays() -> None:
    """Half a card number would match nothing."""
    card = "4242424242424242"
    masked = mask_pii("x" * (MAX_TEXT - 10) + " " + card + " tail")
    assert len(masked) < MAX_TEXT
    assert "4242" not in masked
    assert mask_pii("9" * (MAX_TEXT + 1)) == MASK
    assert mask_pii(" " + "9" * (MAX_TEXT + 1)) == MASK
    assert mask_pii(" " * (MAX_TEXT + 1)) == MASK


def test_what_is_nested_too_deeply_is_hidden() -> None:
    """A structure can't make masking recurse without end."""
    value: object = "x"
    for _ in range(MAX_DEPTH + 5):
        value = [value]
    assert MASK in repr(mask_pii(value))


@pytest.mark.parametrize(
    "char", [*"a1@.-:/= +(\"'{[<\\\n", "={", "=[", '\\"', "name=token\r\n", "<token>", "</", "[{("]
)
def test_no_text_makes_masking_slow(char: str) -> None:
    """Time grows with length, not with its square: 4,000 repetitions of a trigger take no second."""
    started = time.process_time()
    mask_pii(char * 4000)
    mask_pii(("password" + char) * 400)
    mask_pii((char + "1") * 2000)
    mask_pii("password=" + char * 4000)
    assert time.process_time() - started < 1


@given(st.lists(st.integers(0, 9), min_size=12, max_size=18))
def test_a_number_with_its_check_digit_is_valid_and_with_any_other_is_not(digits: list[int]) -> None:
    """Exactly one of the ten last digits fits (ISO/IEC 7812-1)."""
    number = "".join(map(str, digits))
    assert sum(luhn_valid(number + str(last)) for last in range(10)) == 1


@given(values)
def test_masking_twice_is_masking_once(value: object) -> None:
    """What is masked is not changed again."""
    assert mask_pii(mask_pii(value)) == mask_pii(value)


@given(st.sampled_from(DEFAULT_FIELDS), st.text(min_size=1), values)
def test_no_sensitive_value_survives_anywhere(field: str, secret: str, around: object) -> None:
    """Wherever the key stands, its value is gone."""
    masked = mask_pii({"around": around, "list": [{field: "§" + secret}]})
    assert masked["list"] == [{field: MASK}]


@given(st.text(), st.text(), st.sampled_from(sorted(SECRETS.values())))
def test_a_secret_between_spaces_is_hidden_in_any_text(before: str, after: str, secret: str) -> None:
    """The text around it doesn't matter."""
    if secret == "app:hunter2":
        secret = "a@b.example"
    assert secret not in mask_pii(f"{before} {secret} {after}")


@given(st.text(max_size=60) | st.builds("{}{}".format, st.text(max_size=9), st.sampled_from(sorted(SECRETS.values()))))
def test_leaving_out_texts_without_anything_suspicious_changes_no_result(text: str) -> None:
    """The quick look that spares most messages the search never spares one that has something to hide."""
    thorough = Masker(DEFAULT_FIELDS, (*DEFAULT_PATTERNS, r"(?!)"))  # one more pattern, which matches nothing
    assert Masker().text(text) == thorough.text(text)


@pytest.mark.parametrize(("text", "valid"), [("GB29NWBK60161331926819", True), ("GB29NWBK60161331926818", False)])
def test_the_check_digits_of_an_account_number_tell_it_from_an_order_number(text: str, valid: bool) -> None:
    """Modulus 97."""
    assert iban_valid(text) is valid
