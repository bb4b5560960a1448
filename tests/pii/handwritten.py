"""Secrets written by hand: the ways in which real code puts them into texts and structures."""

from __future__ import annotations

from .items import Item

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyLTEifQ.s5ZDZt0Xc1Zc0pBvCJq3GkF0r0uHn0m7C1mE3Yp4v0A"
_PEM = "MIIEpAIBAAKCAQEAx1Jq0q3LZ7s8f5"


def _each(kind: str, place: str, *pairs: tuple[str, object]) -> list[Item]:
    return [Item(kind, secret, value, place) for secret, value in pairs]


CARDS = [
    *_each(
        "card",
        "message",
        ("4111 1111 1111 1111", "card 4111 1111 1111 1111 was declined"),
        ("5555555555554444", "charge of 5555555555554444 failed"),
        ("3782 822463 10005", "amex 3782 822463 10005 expired"),
        ("6011-1111-1111-1117", "6011-1111-1111-1117 is blocked"),
        ("30569309025904", "diners card 30569309025904"),
        ("3530111333300000", "{'jcb': 3530111333300000}"),
        ("2223003122003222", "PAN=2223003122003222;exp=12/29"),
        ("6200000000000005", "unionpay:6200000000000005"),
    ),
    *_each("card", "extra", ("4000056655665556", {"payment": {"number": 4000056655665556}})),
    *_each("card", "local", ("5105105105105100", ["5105105105105100", "12/29"])),
    *_each("card", "query", ("4242%204242%204242%204242", "pan=4242%204242%204242%204242")),
    *_each("card", "query", ("4012+8888+8888+1881", "q=4012+8888+8888+1881")),
    *_each("card", "tag", ("4917610000000000", "4917610000000000")),
    *_each("card", "key", ("6304000000000000", "6304000000000000")),
]

CONTACTS = [
    *_each(
        "e-mail",
        "message",
        ("jane.doe@example.com", "no account for jane.doe@example.com"),
        ("o'brien@example.ie", "bounced: o'brien@example.ie"),
        ("KIM@EXAMPLE.CO.KR", "<KIM@EXAMPLE.CO.KR> is taken"),
        ("jo+shop@sub.mail.example.org", "mailto:jo+shop@sub.mail.example.org"),
        ("first_last@example-host.net", "Key (email)=(first_last@example-host.net) already exists."),
    ),
    *_each("e-mail", "query", ("sue%40example.com", "user=sue%40example.com&page=2")),
    *_each("e-mail", "user", ("max@example.de", "max@example.de")),
    *_each("e-mail", "key", ("keyed@example.com", "keyed@example.com")),
    *_each("e-mail", "span", ("traced@example.com", "mail to traced@example.com")),
    *_each("e-mail", "cause", ("deep@example.com", "duplicate deep@example.com")),
    *_each(
        "phone",
        "message",
        ("+82 10-9876-5432", "SMS to +82 10-9876-5432 failed"),
        ("010-2345-6789", "caller 010-2345-6789"),
        ("01034567890", "verification for 01034567890"),
        ("+1 (212) 555-0187", "dialled +1 (212) 555-0187"),
        ("(415) 555-0132", "call (415) 555-0132 back"),
        ("415.555.0199", "fax 415.555.0199"),
        ("+4915112345678", "whatsapp +4915112345678"),
        ("+44 20 7946 0958", "tel: +44 20 7946 0958"),
        ("02-312-3456", "office 02-312-3456"),
    ),
    *_each("phone", "breadcrumb", ("010 8765 4321", "texted 010 8765 4321")),
    *_each("phone", "query", ("%2B821055554444", "to=%2B821055554444")),
]

NUMBERS = [
    *_each(
        "resident number",
        "message",
        ("900101-1234567", "resident 900101-1234567 is a minor"),
        ("030415-4123456", "rrn mismatch: 030415-4123456"),
    ),
    *_each("resident number", "local", ("851231-2345678", {"text": "851231-2345678"})),
    *_each("resident number", "extra", ("9912311234567", {"resident_number": "9912311234567"})),
    *_each("resident number", "log", ("770707-1777777", ["user %s has %s", "u1", "770707-1777777"])),
    *_each("ssn", "message", ("219-09-9999", "SSN 219-09-9999 not found"), ("457-55-5462", "applicant (457-55-5462)")),
    *_each("ssn", "breadcrumb_data", ("078051120", {"ssn": "078051120"})),
    *_each("ssn", "context", ("721-07-4426", {"form": ["a", "721-07-4426"]})),
    *_each(
        "iban",
        "message",
        ("DE89370400440532013000", "transfer to DE89370400440532013000"),
        ("GB29 NWBK 6016 1331 9268 19", "from GB29 NWBK 6016 1331 9268 19"),
    ),
]

KEYS = [
    *_each(
        "jwt",
        "message",
        (JWT, f"token {JWT} has expired"),
        (JWT[:-1] + "B", f"GET /?access_token={JWT[:-1]}B"),
        (JWT[:-1] + "C", f"cannot decode b'{JWT[:-1]}C'"),
    ),
    *_each("jwt", "header", (JWT[:-1] + "D", f"x-forwarded-jwt: {JWT[:-1]}D")),
    *_each("jwt", "local", (JWT[:-1] + "E", JWT[:-1] + "E")),
    *_each(
        "aws key",
        "message",
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE is not allowed to PutObject"),
        ("ASIAY34FZKBOKMUTVV7A", "session ASIAY34FZKBOKMUTVV7A"),
    ),
    *_each(
        "aws secret",
        "message",
        (
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        ("fe5f80f77d5fa3beca038a248ff027d0", "?X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0&n=1"),
    ),
    *_each("aws key", "extra", ("AKIAI44QH8DHBEXAMPLE", {"config": {"id": "AKIAI44QH8DHBEXAMPLE"}})),
    *_each(
        "bearer token",
        "message",
        ("a7f3c9e1b2d4", "Authorization: Bearer a7f3c9e1b2d4"),
        ("mF_9.B5f-4.1JqM", "sent bearer mF_9.B5f-4.1JqM"),
        ("dXNlcjpodW50ZXIy", "Basic dXNlcjpodW50ZXIy was refused"),
        ("0a1b2c3d4e5f60718293", "Token 0a1b2c3d4e5f60718293"),
    ),
    *_each("bearer token", "header", ("tok-abc-123", "authorization: Bearer tok-abc-123")),
    *_each("bearer token", "local", ("hdr-7788-zz", [(b"authorization", b"Digest hdr-7788-zz")])),
    *_each(
        "api key",
        "message",
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "stripe said no to sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "clone with ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("glpat-20CharsOfSecret12345", "remote: glpat-20CharsOfSecret12345"),
        ("xoxb-123456789012-abcdefABCDEF", "slack xoxb-123456789012-abcdefABCDEF"),
        ("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "key=AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"),
        ("SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf", "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzr"),
    ),
    *_each("api key", "header", ("k-5f2c8", "x-api-key: k-5f2c8")),
    *_each("api key", "query", ("ak-90210", "api_key=ak-90210&n=1")),
    *_each(
        "private key",
        "message",
        (_PEM, f"-----BEGIN RSA PRIVATE KEY-----\n{_PEM}\n-----END RSA PRIVATE KEY-----"),
        (_PEM[::-1], f"'-----BEGIN PRIVATE KEY-----\\n{_PEM[::-1]}\\n-----END PRIVATE KEY-----\\n'"),
    ),
]

PASSWORDS = [
    *_each(
        "url password",
        "message",
        ("hunter2a", "cannot connect to postgresql://app:hunter2a@db.example/shop"),
        ("p@ss:word1", "redis://:p@ss:word1@cache.example:6379/0"),
        ("pa/ss-word2", "amqp://user:pa/ss-word2@mq.example//"),
        ("s3cr3t%21x", "https://svc:s3cr3t%21x@api.example/v1?n=1"),
    ),
    *_each("url password", "local", ("dsnpass77", "mysql+aiomysql://root:dsnpass77@127.0.0.1/shop")),
    *_each("url password", "breadcrumb", ("gitpw-4411", "clone https://ci:gitpw-4411@git.example/x.git")),
    *_each(
        "exception text",
        "message",
        ("hunter2b", "login failed: password=hunter2b"),
        ("hunter2c", "bad credentials {'user': 'bob', 'password': 'hunter2c'}"),
        ("two words d", 'config error at line 3: secret = "two words d"'),
        ("hunter2e", "User(id=1, password='hunter2e', active=True)"),
        ("hunter2f", "could not unlock with passphrase: hunter2f"),
        ("hunter2g", 'KeyError: "client_secret": "hunter2g"'),
        ("hunter2h", "1 validation error\npassword\n  too short [type=x, input_value='hunter2h', input_type=str]"),
        ("hunter2i", "exec: mysql --user=app --password hunter2i --host db"),
        ("hunter2j", "export DB_PASSWORD='hunter2j'"),
        ("hunter2k", "wrong password 'hunter2k' for bob"),
        ("hunter2l", "<password>hunter2l</password>"),
        ("hunter2m", "password is hunter2m"),
        ("hunter2n", "passwd:hunter2n,uid:0"),
    ),
    *_each("exception text", "cause", ("hunter2o", "token: hunter2o")),
    *_each("exception text", "note", ("hunter2p", "tried with otp=hunter2p")),
    *_each("local variable", "local", ("hunter2q", {"password": "hunter2q"})),
    *_each("local variable", "local", ("hunter2r", {"db": {"userPassword": ["hunter2r"]}})),
    *_each("local variable", "local", ("hunter2s", [("password", "hunter2s")])),
    *_each("local variable", "local", ("hunter2t", b"password=hunter2t&x=1")),
    *_each("local variable", "local", ("hunter2u", {"args": [("token", "hunter2u")]})),
]

BODIES = [
    *_each(
        "nested json",
        "message",
        ("hunter3a", '{"user": {"name": "x", "password": "hunter3a"}}'),
        ("hunter3b", '{"a":[{"b":{"apiKey":"hunter3b"}}]}'),
        ("hunter3c", '"{\\"secret\\": \\"hunter3c\\"}"'),
        ("hunter3d", '{"body": "{\\"auth\\": {\\"access_token\\": \\"hunter3d\\"}}"}'),
        ("987123", '{"otp": 987123, "ok": true}'),
    ),
    *_each("nested json", "extra", ("hunter3e", {"request": {"body": {"new_password": "hunter3e"}}})),
    *_each("nested json", "extra", ("hunter3f", {"body": '{"card_number": "hunter3f"}'})),
    *_each("nested json", "context", ("hunter3g", {"deep": {"deeper": {"deepest": {"cvv": "hunter3g"}}}})),
    *_each(
        "multipart",
        "message",
        ("hunter4a", 'Content-Disposition: form-data; name="password"\r\n\r\nhunter4a\r\n--b--'),
        ("hunter4b", "form-data; name=token\r\n\r\nhunter4b\r\n"),
    ),
    *_each(
        "multipart", "local", ("hunter4c", b'--b\r\ncontent-disposition: form-data; name="pwd"\r\n\r\nhunter4c\r\n')
    ),
    *_each(
        "multipart",
        "extra",
        (
            "hunter4d",
            {"body": '--b\r\nContent-Disposition: form-data; name="api_key"\r\nContent-Type: a/b\r\n\r\nhunter4d'},
        ),
    ),
    *_each("form", "message", ("hunter4e", "user=bob&password=hunter4e&remember=1")),
    *_each("form", "query", ("hunter4f", "user=bob&pass%77ord=x&token=hunter4f")),
]

PARAMETERS = [
    *_each("log parameters", "log", ("log1@example.com", ["user %s logged in", "log1@example.com"])),
    *_each("log parameters", "log", ("4539578763621486", ["paid by %s", "4539578763621486"])),
    *_each("log parameters", "log", ("hunter5a", ["login %(user)s", {"user": "bob", "password": "hunter5a"}])),
    *_each("log parameters", "log", ("hunter5b", ["%s", "Authorization: Bearer hunter5b"])),
    *_each("log parameters", "log", ("hunter5c", ["state: %r", {"session_id": "hunter5c"}])),
    *_each(
        "sql parameters",
        "message",
        ("hunter6a", "[SQL: INSERT INTO users VALUES (?, ?)]\n[parameters: ('bob', 'hunter6a')]\n(Background)"),
        ("hunter6b", "[SQL: UPDATE users SET pw=%(pw)s]\n[parameters: {'pw': 'hunter6b'}]"),
        ("hunter6c@example.com", "DETAIL:  Key (email)=(hunter6c@example.com) already exists."),
        ("hunter6d", "UPDATE users SET password = 'hunter6d' WHERE id = 1"),
        ("hunter6e", "[SQL: SELECT 1 WHERE a = ?]\n[parameters: [('hunter6e',), ('x',)]]"),
    ),
    *_each("sql parameters", "extra", ("hunter6f", {"statement": "SET PASSWORD FOR bob = 'hunter6f'"})),
    *_each("cookie", "header", ("hunter7a", "cookie: theme=dark; sessionid=hunter7a")),
    *_each("cookie", "header", ("hunter7b", "set-cookie: sid=hunter7b; HttpOnly")),
    *_each("cookie", "message", ("hunter7c", "Cookie: a=1; b=hunter7c")),
    *_each("cookie", "local", ("hunter7d", {"cookies": {"cart": "hunter7d"}})),
    *_each("cookie", "extra", ("hunter7e", {"headers": [["cookie", "cart=hunter7e"]]})),
    *_each("header", "header", ("hunter8a", "proxy-authorization: Negotiate hunter8a")),
    *_each("header", "header", ("hunter8b", "x-auth-token: hunter8b")),
    *_each("header", "header", ("8b@example.com", "x-forwarded-email: 8b@example.com")),
    *_each("header", "extra", ("hunter8c", {"headers": {"X-Csrf-Token": "hunter8c"}})),
    *_each("header", "message", ("hunter8d", "> X-Api-Key: hunter8d\n> Accept: */*")),
    *_each("breadcrumb", "breadcrumb", ("hunter9a", "POST /login password=hunter9a")),
    *_each("breadcrumb", "breadcrumb_data", ("hunter9b", {"token": "hunter9b"})),
    *_each("breadcrumb", "breadcrumb_data", ("9c@example.com", {"to": ["9c@example.com"]})),
    *_each("breadcrumb", "breadcrumb_data", ("hunter9d", {"url": "/reset?token=hunter9d"})),
]

HANDWRITTEN = [*CARDS, *CONTACTS, *NUMBERS, *KEYS, *PASSWORDS, *BODIES, *PARAMETERS]
