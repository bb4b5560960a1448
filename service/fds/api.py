"""The routes of fraud detection."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Request

from service.error_metrics.models import Problem
from service.partners import Partners

from .detection import FraudDetection
from .faults import WHOLE, EngineFaults, Fault
from .schemas import EvaluationAnswer, EvaluationRequest, FaultRequest, Feedback, FeedbackAnswer
from .transaction import Transaction

PROBLEM: dict[str, Any] = {"model": Problem}


async def _known(request: Request, x_api_key: Annotated[str, Header()] = "") -> None:
    callers: Partners | None = request.app.state.fraud_callers
    if callers is not None:
        callers.named(x_api_key)


router = APIRouter(
    prefix="/v1", tags=["fraud detection"], responses={401: PROBLEM, 422: PROBLEM}, dependencies=[Depends(_known)]
)
fault_router = APIRouter(prefix="/v1/engines", tags=["fault switches"])


async def _detection(request: Request) -> FraudDetection:
    found: FraudDetection = request.app.state.fraud_detection
    return found


async def _faults(request: Request) -> EngineFaults:
    found: EngineFaults = request.app.state.engine_faults
    return found


Detection = Annotated[FraudDetection, Depends(_detection)]
Faults = Annotated[EngineFaults, Depends(_faults)]


async def befall_all(faults: Faults) -> None:
    """Let the fault of the service as a whole happen; a dependency of its routes where there are switches."""
    await faults.befall(WHOLE)


@router.post("/evaluate")
async def evaluate(detection: Detection, payment: EvaluationRequest) -> EvaluationAnswer:
    """Judge a payment within 100 ms, with the engines that have answered by then."""
    facts = payment.model_dump() | {"ip": str(payment.ip)}
    return EvaluationAnswer.of(await detection.evaluate(Transaction(**facts, at=time.time())))


@router.post("/feedback", responses={404: PROBLEM, 409: PROBLEM})
async def feedback(detection: Detection, told: Feedback) -> FeedbackAnswer:
    """Note what a payment was. It moves precision and recall, once for each payment."""
    counted = await detection.label(told.transaction_id, fraud=told.fraud)
    return FeedbackAnswer(transaction_id=told.transaction_id, fraud=told.fraud, counted=counted)


@fault_router.get("/faults")
async def list_faults(faults: Faults) -> dict[str, dict[str, Any]]:
    """Return what is wrong with each engine, and with the service as a whole."""
    return {engine: fault._asdict() for engine, fault in faults.states().items()}


@fault_router.put("/{engine}/fault", responses={404: PROBLEM, 422: PROBLEM})
async def switch_fault(faults: Faults, engine: str, fault: FaultRequest) -> dict[str, dict[str, Any]]:
    """Let an engine be slow, or fail; or the whole `service`, which is then late or answers 500."""
    try:
        faults.switch(engine, Fault(fault.latency_ms, fault.error))
    except KeyError:
        raise HTTPException(404, f"there is no engine {engine!r}; there are {', '.join(faults.states())}") from None
    return await list_faults(faults)
