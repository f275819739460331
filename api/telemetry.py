"""A node's figures in Prometheus' text format, made anew for each scrape from the node's own database."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from api.deps import Site
from ledger.projections import journal, opened
from ledger.services import health, receiving
from ledger.services.overview import log_shown
from ledger.storage import outbox

__all__ = ["CONTENT_TYPE", "figures"]

CONTENT_TYPE = CONTENT_TYPE_LATEST


def figures(site: Site) -> bytes:
    """Return all figures.

    Raises:
        UnavailableError: ``storage.…``.
    """
    registry = CollectorRegistry()

    def gauge(name: str, help_: str, value: float, **labels: str) -> None:
        known = registry._names_to_collectors.get(f"tongban_{name}")  # noqa: SLF001 - one gauge with several labels
        found = known if isinstance(known, Gauge) else Gauge(f"tongban_{name}", help_, list(labels), registry=registry)
        (found.labels(**labels) if labels else found).set(value)

    node = site.node
    now = node.clock()
    with node.database.read() as connection:
        state = journal.position(connection)
        held = health.waiting(connection, now)
        counted = outbox.counts(connection)
        steps = health.steps(connection)
        head = health.seen_head(connection)
        papers = opened.count_pending(connection, node.member)
        releases = receiving.pending(connection, node.member)
    log = log_shown(node, site.log)
    gauge(
        "chain_head_block", "newest block of the chain when the daemon last asked", -1 if head is None else head.number
    )
    gauge("chain_final_block", "newest final block of the chain, as above", -1 if head is None else head.finalised)
    gauge("picture_block", "newest block of the picture", -1 if state is None else state.block)
    gauge("picture_age_seconds", "age of that block on the network's clock", 0 if state is None else now - state.time)
    gauge("log_entries", "entries of the log here", log.size)
    gauge("log_published_entries", "entries under the served checkpoint", log.published)
    gauge("log_cosigners", "cities that cosigned it with both keys", len(log.cosigners))
    gauge("materials_waiting", "materials handed in and not yet anchored", held.materials)
    gauge("papers_pending", "papers of this city's cases that others have not handed over yet", papers)
    gauge("releases_pending", "recorded uses whose keys others have not handed over yet", len(releases))
    gauge("intents_oldest_seconds", "how long the oldest intent has waited", held.oldest_intent or 0)
    for name, count in counted.items():
        gauge("intents", "intents by state", count, state=name)
    moment = int(time.time())
    for step in steps:
        age = moment - step.worked_at if step.worked_at is not None else -1
        gauge("step_worked_seconds", "seconds since a step of the daemon worked", age, step=step.step)
        gauge("step_failures", "failures of a step in a row", step.failures, step=step.step)
    return generate_latest(registry)
