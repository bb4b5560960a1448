"""What the overhead gate decides, without counting anything."""

import json
from pathlib import Path

import pytest

from loadtest.overhead import gate
from loadtest.overhead.gate import CEILING, decide
from loadtest.overhead.instructions import added, per_request
from loadtest.overhead.machine import count_key, locks_digest
from loadtest.overhead.places import RECORDED as RECORDED_FILE
from loadtest.overhead.verdict import Row

PEER = {"healthy": 350_000.0, "error": 370_000.0}
RECORDED = {"healthy": 50_000.0, "error": 120_000.0}


def test_unchanged_counts_pass() -> None:
    """What was recorded is allowed."""
    assert decide(RECORDED, PEER, RECORDED).reasons == []


def test_growth_within_five_percent_passes() -> None:
    """The tolerance is above the noise of the method."""
    assert decide({"healthy": 52_400.0, "error": 125_900.0}, PEER, RECORDED).reasons == []


@pytest.mark.parametrize("cell", ["healthy", "error"])
def test_growth_above_five_percent_fails(cell: str) -> None:
    """Each cell is judged on its own, and the reason names it."""
    reasons = decide({**RECORDED, cell: RECORDED[cell] * 1.051}, PEER, RECORDED).reasons
    assert len(reasons) == 1
    assert cell in reasons[0]


def test_a_ratio_under_six_fails_even_when_nothing_grew() -> None:
    """A new version of the peer can win, too."""
    (reason,) = decide(RECORDED, {"healthy": 299_000.0, "error": 1.0}, RECORDED).reasons
    assert "5.98 times" in reason


def test_without_a_record_the_ratio_still_counts() -> None:
    """An interpreter that nobody recorded is no way around the gate, and the reader is told how to record."""
    decision = decide({"healthy": 60_000.0, "error": 120_000.0}, PEER, None)
    assert len(decision.reasons) == 1
    assert any("--record" in note for note in decision.notes)


def test_without_a_record_a_ceiling_counts() -> None:
    """However dear the peer has become, ours must stay below an absolute number."""
    decision = decide({"healthy": CEILING["healthy"] + 1.0, "error": 0.0}, {"healthy": 1e9, "error": 0.0}, None)
    assert "healthy" in decision.reasons[0]


def test_getting_cheaper_is_a_note() -> None:
    """An improvement that isn't recorded could be lost again without anyone noticing."""
    decision = decide({"healthy": 40_000.0, "error": 120_000.0}, PEER, RECORDED)
    assert decision.reasons == []
    assert "cheaper" in decision.notes[0]


def counts(ours: float) -> dict[str, dict[str, list[float]]]:
    """Counts of three variants, ours adding `ours` instructions in both cells."""
    return {
        name: {cell: [value] * 3 for cell in ("healthy", "error")}
        for name, value in {
            "bare": 960_000.0,
            "ours": 960_000 + ours,
            "instrumentator": 1_310_000.0,
            "ids": 1_010_000.0,
            "logs": 1_040_000.0,
            "traces": 1_400_000.0,
        }.items()
    }


def test_recording_and_judging_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A first count passes with a note, is recorded, and then limits the next ones; other keys are kept."""
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps({"another interpreter": RECORDED}), "utf-8")
    assert gate.judge(counts(50_000), path, record=False) == 0
    assert "nothing is recorded" in capsys.readouterr().out
    assert gate.judge(counts(50_000), path, record=True) == 0
    assert gate.judge(counts(53_000), path, record=False) == 1
    assert "FAILED: healthy" in capsys.readouterr().out
    assert set(json.loads(path.read_text("utf-8"))) == {"another interpreter", count_key()}


def elsewhere(key: str, *, locks: str = "", python: str = "") -> str:
    """Return the key of another machine, with other locks or another Python if asked."""
    mine, *_, pins = key.split(" | ")
    return " | ".join((python or f"{mine}9", "another compiler", "another processor", locks or pins))


def test_another_machines_count_limits_with_a_wider_margin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where this one has none for the present locks, and the output says so."""
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps({elsewhere(count_key()): RECORDED}), "utf-8")
    assert gate.judge(counts(50_000 * 1.14), path, record=False) == 0
    assert "compared with another one's count, 15% allowed" in capsys.readouterr().out
    assert gate.judge(counts(50_000 * 1.16), path, record=False) == 1
    assert "FAILED: healthy" in capsys.readouterr().out


def test_this_machines_own_count_goes_first() -> None:
    """With the narrow margin."""
    key = count_key()
    assert gate.find({elsewhere(key): PEER, key: RECORDED}, key) == (RECORDED, gate.GROWTH)


@pytest.mark.parametrize("other", [{"locks": "locks 0"}, {"python": "CPython 3.10.1"}])
def test_counts_of_other_locks_and_pythons_say_nothing(other: dict[str, str]) -> None:
    """Other instructions run there."""
    key = count_key()
    assert gate.find({elsewhere(key, **other): RECORDED}, key)[0] is None


def test_something_is_recorded_for_the_present_locks() -> None:
    """After new locks: `make gate`, then `python -m loadtest.overhead.gate --record`, and commit recorded.json."""
    digests = {key.rpartition(" ")[2] for key in json.loads(RECORDED_FILE.read_text("utf-8"))}
    assert locks_digest() in digests


def test_what_is_too_dear_is_not_recorded(tmp_path: Path) -> None:
    """`--record` cannot lower the bar of the ratio."""
    path = tmp_path / "recorded.json"
    assert gate.judge(counts(70_000), path, record=True) == 1
    assert not path.exists()


def test_instructions_a_request_come_from_two_runs() -> None:
    """Start-up, the same in both runs, cancels."""
    totals = [("healthy", 100, 1_000_500), ("healthy", 200, 1_001_000), ("error", 10, 900), ("error", 20, 1_000)]
    assert per_request(totals) == {"healthy": [5.0], "error": [10.0]}


def test_added_is_counted_over_the_bare_application() -> None:
    """Not over the total."""
    assert added(counts(50_000), "ours", "healthy").estimate == 50_000


def test_the_key_follows_pins_and_nothing_else_of_a_lock(tmp_path: Path) -> None:
    """Comments and hashes change without changing what runs; a version does not."""
    lock = tmp_path / "a.lock"
    lock.write_text("fastapi==1.0 \\\n    --hash=sha256:aa\n    # via x\n", "utf-8")
    before = locks_digest((lock,))
    lock.write_text("# made anew\nfastapi==1.0 \\\n    --hash=sha256:bb\n", "utf-8")
    assert locks_digest((lock,)) == before
    lock.write_text("fastapi==1.1 \\\n    --hash=sha256:aa\n", "utf-8")
    assert locks_digest((lock,)) != before


@pytest.mark.parametrize(
    ("value", "at_least", "expected"),
    [(9, False, "yes"), (15, False, "yes, goal missed"), (21, False, "**NO**"), (25, True, "yes, goal missed")],
)
def test_a_row_compares_with_budget_and_goal(value: float, at_least: bool, expected: str) -> None:
    """`at_least` turns the comparison around."""
    budget, goal = (20, 30) if at_least else (20, 10)
    assert Row("x", value, str(value), "µs", budget, goal, at_least).verdict == expected
