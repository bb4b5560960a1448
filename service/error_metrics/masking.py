"""Masking of personal data and secrets, by key and by value. Pure functions; a masked value reads `***`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .account_numbers import without_account_numbers

MASK = "***"
MAX_TEXT = 4096
MAX_DEPTH = 12
MAX_KEYS, MAX_KEY = 1000, 64  # names that are remembered, and their characters

DEFAULT_FIELDS = (
    *(
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "token",
        "secret",
        "api_key",
        "apikey",
        "private_key",
        "access_key",
    ),
    *(
        "authorization",
        "cookie",
        "set_cookie",
        "session_id",
        "credentials",
        "credit_card",
        "card_number",
        "cvv",
        "cvc",
    ),
    *("iban", "email", "phone", "mobile", "ssn", "resident_number", "rrn", "date_of_birth", "dsn"),
    *("pass", "otp", "jwt", "signature"),
)

# Every repetition below is bounded or can't overlap its neighbour, so that no input makes matching slow.
DEFAULT_PATTERNS = (
    r"(?<=://)[^\s/:@]{0,256}:[^\s/]{1,256}(?=@)",  # user:password@ of an URL, to the last @ before the path
    r"\b(?!https?:)[a-z][a-z0-9+.]{1,20}://[^\s:@/]{0,256}:[^\s@]{1,256}(?=@)",  # the same with a slash in the password
    r"(?<=input_value=).{1,1024}?(?=, input_type=)",  # pydantic quotes what it was given
    r"(?<=, 'input': )[^\r\n]{1,4096}(?=\})",  # FastAPI what an answer held that does not fit its model
    r"(?<=\[parameters: )[\s\S]{1,4096}?(?=\]\s|\]$|$)",  # and SQLAlchemy the parameters of a statement
    # a password in a sentence: quoted, or of letters and digits, which `password is required` is not
    r"(?i)(?:(?<=password )|(?<=passphrase )|(?<=passwd )|(?<=identified by ))[\"'][^\"'\r\n]{1,256}[\"']?",
    r"(?i)(?:(?<=password is )|(?<=password was ))(?=\S{0,64}[a-z])(?=\S{0,64}\d)\S{1,256}",
    r"(?i)(?<=set password )(?:for|to)\s[^\r\n]{1,256}",
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----)[\s\S]){0,4096}(?:-----END [A-Z ]{0,40}-----)?",
    r"(?i)(?<=authorization: )(?![\"'])[^\r\n]{1,2048}|(?<=cookie: )(?![\"'])[^\r\n]{1,4096}",  # headers, whole
    r"(?i)\b(?:bearer|basic|token)\s+[a-z0-9._~+/-]{8,2048}=*",  # Authorization header
    r"\beyJ[\w-]{8,2048}\.[\w-]{4,2048}\.[\w-]{0,2048}",  # JSON web token
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",  # AWS access key id
    r"\bSG\.[\w-]{16,64}\.[\w-]{16,128}",  # SendGrid
    r"\b(?:sk|pk|rk|gh[opsur]|github_pat|glpat|xox[abp])[-_][\w-]{16,255}",  # keys with the issuers' own prefixes
    r"\bAIza[\w-]{35}",  # Google API key
    r"(?<![\w.+-])[\w.+-]{1,64}(?:'[\w.+-]{1,64})?(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",  # e-mail
    # Korean resident registration number, which begins with a date of birth
    r"(?<![\d-])\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}(?![\d-])",
    r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",  # US social security number
    r"(?<![\w+-])(?:\+|%2[Bb])\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w-])",  # phone, international
    r"(?<![\w-])01[016-9][ -]?\d{3,4}[ -]?\d{4}(?![\w-])",  # phone, Korean mobile
    r"(?<![\w-])0(?:2|[3-6]\d)-\d{3,4}-\d{4}(?![\w-])",  # phone, Korean fixed line
    r"(?<![\w-])\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4}(?![\w-])",  # phone, North American
)

# Every default pattern, card number and pair needs one of these, and most messages have none.
_SUSPICIOUS = re.compile(r"[0-9@:=_<-]")
# A path of plain words and short numbers: shorter and more uniform than anything that a default pattern could hide.
_PLAIN_PATH = re.compile(r"(?:/(?:v?\d{1,6}(?![A-Za-z_])|[A-Za-z_]{1,16}))*+/?+")
_SUSPICIOUS_WORDS = ("eyj", "akia", "asia", "bearer", "basic", "token", "pass", "identified by")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# As in `a=1`, `"a": 1`, `a => 1`, `a%3D1`, `(a)=(1)`, `\"a\": 1` and `('a', '1')`.
_SEPARATOR = (
    r"""(?:\\{0,8}["')]?\s{0,10}(?:=>|:=|[=:]|%3[AD])\s{0,10}|\\{0,8}["']{1,2},\s{0,3}(?=\\{0,8}["']?b?["']))"""
)
_HAS_SEPARATOR = re.compile(r"[=:\"']|%3|--")
# A quoted value may lack its end, when the text was cut.
_QUOTED = r"""b?"(?:\\.|[^"\\]){0,4096}"?|b?'(?:\\.|[^'\\]){0,4096}'?"""
# The same inside a text that is itself quoted; what is quoted more often than twice is hidden to the next quote.
_QUOTED_TWICE = r"""\\"(?:[^"\\]|\\\\(?:\\.|[^\\])){0,4096}(?:\\")?|\\{1,8}["'][^"']{0,4096}["']?"""
# Lists and mappings, to the fourth level; what begins a fifth is hidden to the end of the text.
_FLAT = rf"""(?:{_QUOTED}|[^][(){{}}"'])"""
_NESTED = r"[\[({][\s\S]{0,4096}+"
for _ in range(4):
    _NESTED = rf"""[\[({{](?:{_FLAT}|{_NESTED}){{0,4096}}+[\])}}]?"""
_VALUE = rf"""(?:{_QUOTED}|{_QUOTED_TWICE}|{_NESTED}|[^\s,;&"'}}\])]{{1,4096}})"""
_NEW_LINE = r"(?:\r?\n|\\{1,4}r\\{1,4}n|\\{1,4}n)"
_WORD_BEGINS = r"(?:(?<![a-zA-Z])|(?-i:(?<=[a-z])(?=[A-Z])))"
_MORE_WORDS = r"(?:[-_][a-z0-9]{1,32}|(?-i:[A-Z][a-z0-9]{1,32})){0,3}"
_LONGEST_NAME = 64
_LONG_NAME = 8  # letters; a name as long as this is no accident inside another word


class Masker:
    """Masks with one set of fields and patterns, compiled once.

    Args:
        fields: names whose values are hidden, in any spelling: `api_key` covers `X-Api-Key` and `apiKey`.
        patterns: regular expressions whose matches are hidden in every text.

    Raises:
        ValueError: a pattern is no regular expression.
    """

    def __init__(self, fields: Iterable[str] = DEFAULT_FIELDS, patterns: Iterable[str] = DEFAULT_PATTERNS) -> None:
        patterns = tuple(patterns)
        self._fields = tuple({_words(field) for field in fields} - {()})
        self._patterns = tuple(_compile(pattern) for pattern in patterns)
        self._names = self._name_pattern()
        self._pairs, self._elements, self._parts = _named_values(self._names)
        joined = {"".join(words) for words in self._fields}
        self._joined = frozenset(joined)
        self._anywhere = _any_of(name for name in joined if len(name) >= _LONG_NAME)
        self._as_words = _any_of(f"_{'_'.join(words)}_" for words in self._fields)
        self._hidden: dict[str, bool] = {}  # what `hides` has found; names come again and again
        self._only_defaults = tuple(patterns) == DEFAULT_PATTERNS

    def text(self, text: str) -> str:
        """Return `text` with secrets hidden; beyond 4,096 characters it is cut at a word's end."""
        text = encodable(text)
        if len(text) > MAX_TEXT:
            text = cut(text, MAX_TEXT)
        if self._only_defaults:
            if _PLAIN_PATH.fullmatch(text) is not None:
                return text
            if _SUSPICIOUS.search(text) is None and _has_none(_SUSPICIOUS_WORDS, text.lower()):
                return text
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        text = without_account_numbers(text, MASK)
        return self._without_pairs(text) if self._names else text

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return a masked copy of nested mappings, lists and texts; other values stay as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if depth > MAX_DEPTH:
            return MASK
        if isinstance(value, Mapping):
            return {self._key(key): self._entry(key, item, depth) for key, item in value.items()}
        if isinstance(value, list | tuple) and len(value) == 2 and self._is_name(value[0]):  # a header, a form's field
            return [self._key(value[0]), value[1] if value[1] is None else MASK]
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return MASK if self.text(str(value)) == MASK else value
        return value

    def hides(self, key: str) -> bool:
        """Tell whether values under `key` are hidden."""
        found = self._hidden.get(key)
        if found is None:
            found = self._hides(key)
            if len(self._hidden) >= MAX_KEYS:  # a client may choose names
                self._hidden.clear()
            if len(key) <= MAX_KEY:
                self._hidden[key] = found
        return found

    def _hides(self, key: str) -> bool:
        words = _WORD.findall(key)
        joined = "".join(words).lower()
        if joined in self._joined or self._anywhere.search(joined):
            return True
        return self._as_words.search(f"_{'_'.join(map(_one, words))}_") is not None

    def _key(self, key: Any) -> Any:
        if isinstance(key, bytes):
            key = key.decode("utf-8", "replace")
        return self.text(key) if isinstance(key, str) else key

    def _entry(self, key: Any, item: Any, depth: int) -> Any:
        if isinstance(key, bytes):
            key = key.decode("utf-8", "replace")
        if isinstance(key, str) and self.hides(key) and item is not None:
            return MASK
        return self.value(item, depth + 1)

    def _is_name(self, value: Any) -> bool:
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        return isinstance(value, str) and len(value) <= _LONGEST_NAME and self.hides(value)

    def _without_pairs(self, text: str) -> str:
        if _HAS_SEPARATOR.search(text):
            text = self._pairs.sub(rf"\1{MASK}", text)
        if "</" in text:
            text = self._elements.sub(rf"\1{MASK}", text)
        if "name=" in text:
            text = self._parts.sub(rf"\1{MASK}", text)
        return text

    def _name_pattern(self) -> str:
        """Match `password`, `userPasswordHash` and `apiKey`; empty without fields."""
        fields = sorted(self._fields, reverse=True)
        if not fields:
            return ""
        names = "|".join(map(_spellings, fields))
        anywhere = "|".join(_spellings(words) for words in fields if len("".join(words)) >= _LONG_NAME) or r"(?!)"
        return rf"(?:{_WORD_BEGINS}(?:{names})|{anywhere})s?{_MORE_WORDS}"


def _named_values(name: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Match a named value, after what has to stay: as a pair, in an element of XML, in a part of a multipart body."""
    return (
        re.compile(rf"(?i)(--(?:[a-z]{{1,16}}-){{0,3}}{name}\s{{1,3}}|{name}{_SEPARATOR}){_VALUE}"),
        re.compile(rf"(?i)(<[\w.:-]{{0,64}}?{name}(?:\s[^<>]{{0,256}})?>)[^<]{{1,4096}}"),
        re.compile(
            rf"(?i)(\bname=\\{{0,4}}[\"']?[\w.:[-]{{0,64}}?{name}\]{{0,4}}\\{{0,4}}[\"']?(?:;[^\r\n\\]{{0,256}})?"
            rf"(?:{_NEW_LINE}[^\r\n\\]{{1,256}}){{0,4}}{_NEW_LINE}{_NEW_LINE})(?:(?!{_NEW_LINE}--)[\s\S]){{1,4096}}"
        ),
    )


def cut(text: str, limit: int) -> str:
    """Return the words of `text` that fit into `limit` characters, before it is masked.

    A secret cut in half would no longer match its pattern, so the last word goes too.
    """
    if len(text) <= limit:
        return text
    head = text[:limit].rstrip().rpartition(" ")[0]
    return head + " …" if head.strip() else MASK


def encodable(text: str) -> str:
    """Return `text` with a question mark for each half of a surrogate pair, which no encoding and no JSON reader takes.

    A client can send one as the escape `\\ud800` in JSON, and file names hold them for bytes that are no UTF-8.
    """
    if text.isascii():  # known without looking at the characters
        return text
    return text.encode("utf-8", "replace").decode()


def mask_pii(value: Any, fields: Iterable[str] = DEFAULT_FIELDS, patterns: Iterable[str] = DEFAULT_PATTERNS) -> Any:
    """Return a copy of `value` with personal data and secrets replaced by `***`.

    Args:
        value: text, or nested mappings and lists of it.
        fields: keys whose values are hidden whatever they hold.
        patterns: regular expressions hidden inside every text; card numbers are found by their check digit besides.

    Raises:
        ValueError: a pattern is no regular expression.
    """
    if fields is DEFAULT_FIELDS and patterns is DEFAULT_PATTERNS:
        return _default_masker.value(value)
    return Masker(fields, patterns).value(value)


def _has_none(words: tuple[str, ...], text: str) -> bool:
    return not any([word in text for word in words])  # noqa: C419  # a list is quicker than a generator here


def _words(name: str) -> tuple[str, ...]:
    return tuple(map(_one, _WORD.findall(name)))


def _one(word: str) -> str:
    """Return a word in lower case, and for many the word for one."""
    word = word.lower()
    return word[:-1] if len(word) > 3 and word[-1] == "s" != word[-2] else word


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(texts)) or r"(?!)")  # of letters, digits and _ only


def _spellings(words: tuple[str, ...]) -> str:
    return "[-_ ]?".join(map(re.escape, words))


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as problem:
        raise ValueError(f"pii_patterns: {pattern!r} is no regular expression: {problem}") from None


_default_masker: Masker = Masker()
