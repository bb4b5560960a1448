"""`python -m service.tools.urls`: where the stack's parts are on this machine, and how to get in."""

from __future__ import annotations

import json
import subprocess
import sys

PATHS = {
    "shop": ("/docs", "the shop's API; its errors are on /dashboard"),
    "fds": ("/docs", "fraud detection's API; its errors are on /dashboard"),
    "grafana": ("/", "dashboards, logs, traces; user admin"),
    "prometheus": ("/", "metrics and alert rules"),
    "alertmanager": ("/", "alerts"),
    "bugsink": ("/", "errors as Sentry shows them; user admin@example.com"),
}
PASSWORDS = {"grafana": "grafana_password", "bugsink": "bugsink_password"}


def main() -> int:
    """Print one line for each part that runs."""
    command = ["docker", "compose", "--profile", "*", "ps", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        print(f"urls: {(done.stderr.strip() or 'docker compose has failed').splitlines()[-1]}", file=sys.stderr)  # noqa: T201
        return 1
    ports = {found["Service"]: found["Publishers"] for found in map(json.loads, done.stdout.splitlines())}
    if not ports:
        print("urls: nothing runs, try `make up`", file=sys.stderr)  # noqa: T201
        return 1
    for service, (path, what) in PATHS.items():
        for publisher in [given for given in ports.get(service) or () if given["PublishedPort"]][:1]:
            print(f"{service:13} http://127.0.0.1:{publisher['PublishedPort']}{path}  {what}")  # noqa: T201
    for service, secret in PASSWORDS.items():
        if service in ports:
            print(f"password of {service}: docker compose exec {service} cat /secrets/{secret}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
