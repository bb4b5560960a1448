"""Logs: structlog, sampled by request, written by a thread."""

from .config import LogConfig
from .requests import RequestLines
from .sampler import LogSampler
from .setup import Logs, get_logger, setup_logging

__all__ = ["LogConfig", "LogSampler", "Logs", "RequestLines", "get_logger", "setup_logging"]
