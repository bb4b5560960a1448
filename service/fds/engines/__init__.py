"""The engines: each looks at a payment in its own way and gives points."""

from .finding import Engine, Finding
from .model import ModelEngine
from .rules import RulesEngine
from .threats import ThreatsEngine

__all__ = ["Engine", "Finding", "ModelEngine", "RulesEngine", "ThreatsEngine"]
