"""Bodies of requests and answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, WithJsonSchema

from .evaluation import Evaluation, State
from .judgement import Decision, Level

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]


Address = Annotated[
    IPvAnyAddress,
    WithJsonSchema({"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]}),
]
MAX_AMOUNT = 2**53 - 1
"""The largest whole number that every reader of JSON knows; no cart gets near it."""


class EvaluationRequest(BaseModel):
    """A payment to judge, before it is made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "transaction_id": "order-1001",
                    "user_id": "42",
                    "amount": 48000,
                    "card": "5f3c0a",
                    "device": "stolen-phone",
                    "ip": "198.51.100.66",
                    "country": "KR",
                    "card_country": "KR",
                    "account_age_days": 3.5,
                }
            ]
        },
    )

    transaction_id: Id
    user_id: Id
    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="whole KRW")]
    payment_method: Annotated[str, Field(pattern=r"^[a-z_]{1,20}$")] = "card"
    card: Annotated[Id, Field(description="a fingerprint, never the number")]
    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,64}$")] = ""
    ip: Address
    country: Country
    card_country: Country
    account_age_days: Annotated[float, Field(ge=0, le=40_000)]


class EngineAnswer(BaseModel):
    """What became of an engine."""

    engine: str
    state: State
    score: float
    factors: tuple[str, ...]
    duration_ms: float


class EvaluationAnswer(BaseModel):
    """A decision. `missing` names the engines that were late or failed: it was made without them."""

    transaction_id: str
    risk_score: Annotated[int, Field(ge=0, le=100)]
    risk_level: Level
    decision: Decision
    factors: tuple[str, ...]
    engines: tuple[EngineAnswer, ...]
    missing: tuple[str, ...]
    duration_ms: float

    @classmethod
    def of(cls, found: Evaluation) -> EvaluationAnswer:
        """Return the answer that tells of an evaluation."""
        return cls(
            transaction_id=found.transaction.transaction_id,
            risk_score=found.score,
            risk_level=found.level,
            decision=found.decision,
            factors=found.factors,
            engines=tuple(
                EngineAnswer(
                    engine=answer.engine,
                    state=answer.state,
                    score=round(answer.score, 1),
                    factors=answer.factors,
                    duration_ms=round(answer.seconds * 1000, 3),
                )
                for answer in found.answers
            ),
            missing=found.missing,
            duration_ms=round(found.seconds * 1000, 3),
        )


class Feedback(BaseModel):
    """What a payment was."""

    model_config = ConfigDict(extra="forbid")

    transaction_id: Id
    fraud: bool


class FeedbackAnswer(BaseModel):
    """What became of it; `counted` is false when the same had been told before."""

    transaction_id: str
    fraud: bool
    counted: bool


class FaultRequest(BaseModel):
    """What shall be wrong with an engine."""

    model_config = ConfigDict(extra="forbid")

    latency_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    error: bool = False
