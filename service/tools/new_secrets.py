"""`python -m service.tools.new_secrets FOLDER [--sentry HOST/PROJECT]`: random secrets, made once, for one group.

What is made of them (URLs, Redis' configuration) is written anew each time, so that it never contradicts them. Who may
read them is set right each time, too. Where errors are reported stays as it was told last: a start without the profile
that has the server must not cut it off.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

MODE = 0o440
RANDOM = (
    "postgres_password",
    "redis_password",
    "grafana_password",
    "bugsink_password",
    "bugsink_secret_key",
    "fingerprint_key",
    "fds_key",
    "demo_key",
)
"""Each is 43 characters of URL-safe base64: 256 bits."""


def main(arguments: list[str]) -> int:
    """Make what is missing in a folder; one line on stderr and 1 if that can't be done."""
    parser = argparse.ArgumentParser(prog="python -m service.tools.new_secrets", description=__doc__)
    parser.add_argument("folder", type=Path, help="where they are kept; it has to be there")
    parser.add_argument("--sentry", default="", help="a server of Sentry's protocol and its project, as bugsink:8000/1")
    options = parser.parse_args(arguments)
    try:
        made = make(options.folder, options.sentry)
    except OSError as problem:
        print(f"new_secrets: {problem}; the folder and its files have to be uid {os.getuid()}'s", file=sys.stderr)  # noqa: T201
        return 1
    print(f"new_secrets: {made} new, {len(RANDOM) + 1 - made} kept, in {options.folder}")  # noqa: T201
    return 0


def make(folder: Path, sentry: str = "") -> int:
    """Make the secrets that are missing; return how many these were.

    Args:
        folder: where they are.
        sentry: host and project to which errors are reported; empty for where they were before, at first nowhere.

    Raises:
        OSError: the folder is not there, or can't be read or written.
    """
    made = sum(_once(folder / name, secrets.token_urlsafe(32)) for name in RANDOM)
    made += _once(folder / "sentry_key", uuid4().hex)
    known = {name: (folder / name).read_text("ascii") for name in (*RANDOM, "sentry_key")}
    for name, text in _derived(known).items():
        _write(folder / name, text)
    if sentry:
        _write(folder / "sentry_dsn", f"http://{known['sentry_key']}@{sentry}")
    else:
        _once(folder / "sentry_dsn", "")
    return made


def _derived(known: dict[str, str]) -> dict[str, str]:
    return {
        "database_url": f"postgresql+asyncpg://shop:{known['postgres_password']}@postgres:5432/shop",
        "redis_url": f"redis://:{known['redis_password']}@redis:6379/0",
        "redis.conf": f"requirepass {known['redis_password']}\n",
        "api_keys": f"shop:{known['fds_key']},demo:{known['demo_key']}",
    }


def _once(path: Path, text: str) -> bool:
    if path.exists():
        path.chmod(MODE)
        return False
    _write(path, text)
    return True


def _write(path: Path, text: str) -> None:
    # Beside it first, then in its place: whoever is killed in between leaves no half of a secret.
    with NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
        os.fchmod(file.fileno(), MODE)
        os.fsync(file.fileno())
    Path(file.name).replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
