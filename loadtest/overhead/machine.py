"""What the numbers were measured on, and the part of it that instruction counts depend on."""

import hashlib
import os
import platform
import re
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from loadtest.overhead.places import LOCKS

PACKAGES = (
    "fastapi",
    "starlette",
    "pydantic",
    "uvicorn",
    "uvloop",
    "httptools",
    "prometheus-client",
    "prometheus-fastapi-instrumentator",
    "starlette-exporter",
    "opentelemetry-sdk",
    "opentelemetry-exporter-prometheus",
)


def facts() -> dict[str, str]:
    """The machine and the versions, as the report prints them; no names or paths of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{_cpu_model()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {_kernel()}",
        "python": f"{platform.python_implementation()} {platform.python_version()} ({build()})",
        "valgrind": _valgrind() or "not installed",
        "packages": ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
    }


def build() -> str:
    """Compiler, optimisation and C library: the same Python version runs other instructions without them."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    tuned = [name for name in ("--enable-optimizations", "--with-lto", "--with-pydebug") if name in options]
    libc = " ".join(platform.libc_ver())
    return ", ".join([platform.python_compiler(), *(name.lstrip("-") for name in tuned), libc])


def count_key(digest: str | None = None) -> str:
    """The name under which counts are recorded: everything known to change them.

    valgrind emulates one processor, an Intel one with or without AVX2, so of the real one only that flag counts:
    by it glibc chooses its string functions. `digest` stands for the locked packages.
    """
    flags = platform.machine() + (" avx2" if "avx2" in _cpu_info() else "")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return " | ".join((python, build(), flags, f"locks {digest or locks_digest()}"))


def alike(key: str) -> tuple[str, str]:
    """The part of a key that two machines with comparable counts share: minor version of Python, and locks."""
    parts = key.split(" | ")
    return parts[0].rpartition(".")[0], parts[-1]


def locks_digest(locks: tuple[Path, ...] = LOCKS) -> str:
    """A short hash over the pinned versions; comments and file hashes do not matter."""
    pins = sorted(
        {
            line.rstrip("\\ ")
            for lock in locks
            for line in lock.read_text("utf-8").splitlines()
            if re.match(r"[\w.-]+(\[[\w,-]+\])?==", line)
        }
    )
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()[:12]


def pin(core: int) -> None:
    """Keep this process on one core, counted from 0 modulo the cores there are; a no-op where that can't be done."""
    if sys.platform == "linux":
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[core % len(allowed)]})


def _cpu_info() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text("utf-8") if path.exists() else ""


def _cpu_model() -> str:
    found = re.search(r"model name\s*:\s*(.+)", _cpu_info())
    return found.group(1) if found else platform.machine()


def _kernel() -> str:
    return ".".join(platform.release().split(".")[:2])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _valgrind() -> str:
    try:
        done = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip().removeprefix("valgrind-")
