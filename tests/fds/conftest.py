"""A running fraud detection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from tests.asgi import start


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The whole service on a database of its own, with fault switches."""
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db", faults_enabled=True))
    stop = await start(app)
    yield app
    await stop()
