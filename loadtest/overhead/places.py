"""Where the benchmark reads and writes, relative to the repository."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results.json"
RECORDED = HERE / "recorded.json"
LOCKS = (ROOT / "requirements.lock", HERE / "peers.lock")
PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
