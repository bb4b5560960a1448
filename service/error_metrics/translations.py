"""Messages in the client's language: one JSON file per locale, `{"<code>": "<text>"}`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .negotiation import acceptable_locales

CODE_LOCALE = "en"  # the language of the messages in the code
OWN_LOCALES = Path(__file__).parent / "locales"


class Translations:
    """The texts of all locales, read once.

    Args:
        default_locale: the language of clients that do not ask for one.
        folders: folders of `<locale>.json`; a later folder's text wins.

    Raises:
        ValueError: a folder is missing or a file is not a JSON object of code to text.
    """

    def __init__(self, default_locale: str = "en", folders: Iterable[Path] = ()) -> None:
        self._default = default_locale.lower()
        self._texts: dict[str, dict[str, str]] = {}
        for folder in (OWN_LOCALES, *folders):
            if not folder.is_dir():
                raise ValueError(f"locale_dirs: there is no folder {folder}")
            for file in sorted(folder.glob("*.json")):
                self._texts.setdefault(file.stem.lower(), {}).update(_read(file))
        self._offered = frozenset((*self._texts, self._default, CODE_LOCALE))
        self.default_is_code = self._default == CODE_LOCALE

    def find(self, accept_language: str, code: int, values: Any = None) -> tuple[str, str] | None:
        """Return the text of a code, and its locale: the first that the client accepts and has one, or the default.

        None where the message in the code is what the client gets.
        """
        for locale in (*acceptable_locales(accept_language, self._offered), self._default):
            text = self._text(locale, code, values)
            if text is not None:
                return text, locale
            if locale == CODE_LOCALE:
                return None
        return None

    def _text(self, locale: str, code: int, values: Any) -> str | None:
        """Return a text with `{name}` filled from `values`; None where there is none, or it asks for more."""
        text = self._texts.get(locale, {}).get(str(code))
        if text is None or "{" not in text:
            return text
        try:
            return text.format_map(values if isinstance(values, Mapping) else {})
        except (LookupError, ValueError, AttributeError, TypeError):
            return None


def _read(file: Path) -> dict[str, str]:
    try:
        texts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError(f"locale_dirs: {file} cannot be read: {problem}") from None
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError(f'locale_dirs: {file} must be a JSON object like {{"404": "text"}}')
    return texts
