"""Logs: structlog, sampled by request, written by a thread."""

from .config import LogConfig
from .loggers import Logger, get_logger
from .requests import RequestLines
from .sampler import LogSampler
from .setup import Logs, setup_logging

__all__ = ["LogConfig", "LogSampler", "Logger", "Logs", "RequestLines", "get_logger", "setup_logging"]
