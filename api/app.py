"""The web process of a city: what anyone may ask without signing in, and what the other cities ask.

Holds no key: whatever needs one is forwarded to the daemon. Errors are RFC 9457 problems in the language of
``Accept-Language``: a code, a sentence, a next step.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api.deps import Site
from api.documentation import Documented
from api.guard import Guard
from api.pages.node import node_pages
from api.pages.rendering import PACKAGE
from api.problems import install
from api.routers.cases import cases_router
from api.routers.health import health_router
from api.routers.log import log_router
from api.routers.materials import materials_router
from api.routers.peers import peers_router
from api.routers.traces import traces_router
from api.routers.verification import verification_router
from api.routers.witness import witness_router

__all__ = ["create_app"]


def create_app(site: Site) -> FastAPI:
    """Make the application.

    Args:
        site: this city.
    """
    app = Documented(title="Tongban Ledger 通办链", version="0.1.0", docs_url=None, redoc_url=None)
    install(app)
    app.add_middleware(Guard)
    for router in (
        health_router,
        log_router,
        witness_router,
        verification_router,
        cases_router,
        materials_router,
        traces_router,
        node_pages,
    ):
        app.include_router(router(site))
    app.include_router(peers_router(site.node))
    app.mount("/static", StaticFiles(directory=PACKAGE / "static"), name="static")
    return app
