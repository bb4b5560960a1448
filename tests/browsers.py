"""The browser of the system, under whatever name it has."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of Chromium or Chrome, None where there is neither."""
    return next((path for path in map(shutil.which, NAMES) if path), None)
