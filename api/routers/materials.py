"""A leaf of a material as the chain has it: who anchored it when, whether it still counts; nothing of what it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.deps import Site
from ledger.domain.materials import RevocationCause
from ledger.services.overview import leaf_shown
from ledger.wire.traces import china_time

__all__ = ["materials_router"]


def materials_router(site: Site) -> APIRouter:
    """Return ``GET /v1/materials/{leaf}``."""
    router = APIRouter(prefix="/v1", tags=["materials"])

    @router.get("/materials/{leaf}", summary="A leaf of a material as the chain has it")
    def material(
        leaf: Annotated[
            str,
            Path(
                description="`batch:index`, or `contract:batch:index` where two generations have that batch",
                max_length=96,
            ),
        ],
    ) -> dict[str, Any]:
        found = leaf_shown(site.node, leaf)
        return {
            "contract": found.contract,
            "batch": found.batch,
            "index": found.index,
            "member": found.member,
            "anchored_at": china_time(found.anchored_at),
            "root": found.root.hex(),
            "size": found.size,
            "status": "in_force" if found.revoked_at is None else "revoked",
            "revoked_at": None if found.revoked_at is None else china_time(found.revoked_at),
            "cause": None if found.cause is None else RevocationCause(found.cause).name.lower(),
            "consent": None if found.consent is None else found.consent.hex(),
            "uses": found.uses,
            "as_of_block": found.block,
        }

    return router
