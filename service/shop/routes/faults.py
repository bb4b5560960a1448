"""The fault switches."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException

from service.shop.faults import KNOWN

from .common import TheShop, problems
from .schemas import FaultSwitch

router = APIRouter(prefix="/v1/faults", tags=["fault switches"], responses=problems(422))


@router.get("")
async def list_faults(shop: TheShop) -> dict[str, bool]:
    """Return the fault switches."""
    return shop.faults.states()


@router.put("/{name}", responses=problems(404))
async def switch_fault(shop: TheShop, name: str, switch: FaultSwitch) -> dict[str, bool]:
    """Turn a fault on or off."""
    if name not in KNOWN:
        raise HTTPException(404, f"there is no fault {name!r}; there are {', '.join(KNOWN)}")
    shop.faults.switch(name, switch.active)
    return shop.faults.states()
