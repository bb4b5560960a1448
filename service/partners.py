"""Those who call with an API key: partners of the shop, and the shop itself where fraud detection is a service."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from service.error_metrics import BaseAppException, register_exception


@register_exception(code=204, status=401, severity="info", team="partners")
class KeyRequired(BaseAppException):
    """This is for partners: send a known key as X-API-Key."""


class Partners:
    """Knows callers by their keys.

    Args:
        keys: by name.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {name: key.encode() for name, key in keys.items()}

    def named(self, key: str) -> str:
        """Return the name of whoever has this key; how long it takes does not tell which keys are nearly right.

        Raises:
            KeyRequired: nobody has it.
        """
        given = key.encode()
        found = [name for name, known in self._keys.items() if hmac.compare_digest(known, given)]
        if not found:
            raise KeyRequired
        return found[0]
