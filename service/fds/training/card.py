"""The model card: what was trained on what, and how good it is, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.fds.judgement import DECISIONS, STOPPED

from .quality import Report

INTRODUCTION = """\
# The fraud model

<!-- Made by `python -m service.fds.training`; change service/fds/training/card.py instead. -->

**What it is.** A logistic regression over the numbers of `service/fds/engines/features.py`, kept as
`service/fds/engines/model.json`. It is one of three engines; `service/fds/judgement.py` puts their scores together.

**What it is for.** To show a real model in a service whose precision and recall can be watched. It knows nothing of
real people or real fraud. Don't stop anybody's payment with it: train it on payments of your own.

**What it was trained on.** A made-up world (`service/fds/training/world.py`) in which the truth is known. Whether a
payment is fraud is decided by a story that no engine sees: an account used from next door on its owner's device, or a
customer who denies an honest purchase, looks like any other payment. So nobody can find every fraud here, and some
honest travellers are stopped. Fraud is more frequent than in most shops.

**Held back.** The newest {held:,} of {count:,} payments were not learnt from; all figures below are about them. A
payment counts as called fraud when it is held or blocked; a second factor asks, and does not stop an honest customer.
"""


def model_card(report: Report, weights: Mapping[str, float], count: int) -> str:
    """Return the text of the card; `count` payments were made in all."""
    held = report.ways["all"].matrix.total()
    return "\n".join(
        [INTRODUCTION.format(held=held, count=count), *_ways(report), *_stories(report), *_weights(weights)]
    )


def _ways(report: Report) -> Iterator[str]:
    yield "| who decides | precision | recall | frauds found | missed | honest stopped | honest let go |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, way in report.ways.items():
        cells = [way.matrix[key] for key in ((True, True), (True, False), (False, True), (False, False))]
        yield f"| {name} | {way.precision:.3f} | {way.recall:.3f} | " + " | ".join(f"{cell:,}" for cell in cells) + " |"
    yield ""


def _stories(report: Report) -> Iterator[str]:
    yield "What became of each story; the last five are frauds, and nobody could see the very last.\n"
    yield "| story | " + " | ".join(DECISIONS) + " | stopped |"
    yield "| --- |" + " ---: |" * (len(DECISIONS) + 1)
    order = ("ordinary", "newcomer", "new_device", "dear", "spree", "travel")
    frauds = ("cards_tried", "ring", "stolen_abroad", "stolen_next_door", "denied")
    for story in (*order, *frauds):
        decisions = report.stories[story]
        stopped = sum(decisions[name] for name in STOPPED) / decisions.total()
        yield f"| {story} | " + " | ".join(f"{decisions[name]:,}" for name in DECISIONS) + f" | {stopped:.0%} |"
    yield ""


def _weights(weights: Mapping[str, float]) -> Iterator[str]:
    yield "What each feature adds to the logarithm of the odds of fraud, per unit of the feature:\n"
    yield "| feature | weight |"
    yield "| --- | ---: |"
    for name, weight in weights.items():
        yield f"| {name} | {weight:+.3f} |"
    yield ""
