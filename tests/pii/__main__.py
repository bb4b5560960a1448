"""`python -m tests.pii`: print what leaks where. Exit status 1 when something does."""

from __future__ import annotations

import sys

from .report import run, table


def main() -> int:
    """Print the report."""
    results = run()
    print(*table(results), sep="\n")  # noqa: T201  # the command's output
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
