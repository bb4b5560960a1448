"""One picture of all replicas, on a real Redis."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from service.error_metrics import BaseAppException
from service.error_metrics.stores import redis, shared
from service.error_metrics.stores.codec import Head, encode_head
from service.error_metrics.stores.redis import KEPT
from tests.servers import REPOSITORY, free_port

from .conftest import Server, agree, collectors, eventually, forks, in_a_child, record, wire


@pytest.mark.docker
def test_every_replica_shows_the_sum(server: Server) -> None:
    """Of counts, windows, first and last times and events, which each has once."""
    replicas = server.collectors(3)
    for number, replica in enumerate(replicas, 1):
        record(replica, number, code=310 + number)
    assert all(replica.close() for replica in replicas * 2)
    for replica in replicas:
        shown = replica.snapshot()
        assert (shown.by_code, shown.degraded) == ({313: 3, 312: 2, 311: 1}, False)
        assert (shown.windows["1h"].total_errors, sum(shown.minutes), shown.by_domain) == (6, 6, {"RESOURCE": 6})
        assert shown.seen[311].last_seen <= shown.seen[313].last_seen
        events = replica.events()
        assert [event.error_code for event in events] == [313, 313, 313, 312, 312, 311]
        assert [event.message for event in events[:3]] == ["number 2", "number 1", "number 0"]


@pytest.mark.docker
def test_what_is_new_is_there_within_moments(server: Server) -> None:
    """By itself, whoever records and whoever reads."""
    one, other = server.collectors(2)
    for total in (3, 6, 9):
        record(one, 3)
        eventually(lambda total=total: agree([one, other], total), seconds=5)  # type: ignore[misc]


@pytest.mark.docker
@pytest.mark.parametrize("how", [Server.restart_empty, lambda server: server.client().flushall()])
def test_an_emptied_redis_gets_everything_again(server: Server, how: Callable[[Server], None]) -> None:
    """Counts and events, once."""
    replicas = server.collectors(3)
    for replica in replicas:
        record(replica, 5)
    eventually(lambda: agree(replicas, 15))
    how(server)
    record(replicas[0], 1)
    late = server.collectors(1)
    eventually(lambda: agree([*replicas, *late], 16))
    eventually(lambda: [len(replica.events()) for replica in [*replicas, *late]] == [16] * 4)


@pytest.mark.docker
def test_a_redis_that_is_older_than_it_was_is_brought_up_to_date(server: Server) -> None:
    """As after a failover to a replica that lagged behind, or a restored backup."""
    one, other = server.collectors(2)
    record(one, 2)
    eventually(lambda: agree([one, other], 2))
    with server.client() as client:
        before = {key: client.dump(key) for key in server.every_key()}
        record(one, 3)
        eventually(lambda: agree([one, other], 5))
        for key, value in before.items():
            client.restore(key, KEPT * 1000, value, replace=True)
    eventually(lambda: other.shared is not None and other.shared.sync() and one.close())
    (late,) = server.collectors(1)
    eventually(lambda: agree([one, other, late], 5))
    eventually(lambda: len(late.events()) == 5)


@pytest.mark.docker
def test_while_redis_hangs_each_shows_its_own_and_says_so(server: Server) -> None:
    """At once: nobody waits for Redis. When it is back, the sum is whole."""
    one, other = server.collectors(2)
    record(one, 2)
    record(other, 3)
    eventually(lambda: agree([one, other], 5))
    server.docker.pause()
    try:
        eventually(lambda: one.snapshot().degraded)
        began = time.monotonic()
        record(one, 1)
        assert (one.snapshot().total_errors, len(one.events())) == (3, 3)
        assert time.monotonic() - began < 0.5  # a turn would take longer
    finally:
        server.docker.unpause()
    eventually(lambda: agree([one, other], 6))


@pytest.mark.docker
def test_a_wrong_password_is_said_once_and_costs_only_the_others(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log without the password, and as degraded."""
    caplog.set_level(logging.INFO)
    (replica,) = server.collectors(1, redis_url=server.wrong_url)
    record(replica, 2)
    for _ in range(3):
        assert replica.close() is False
    assert (replica.snapshot().total_errors, replica.snapshot().degraded) == (2, True)
    told = [line.getMessage() for line in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("redis_url: the store of error statistics is away")
    assert "letmein99" not in told[0]


def test_without_redis_everything_else_works(caplog: pytest.LogCaptureFixture) -> None:
    """A port that nobody listens on."""
    (replica,) = collectors(1, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    record(replica, 2)
    eventually(lambda: caplog.records)
    assert (replica.snapshot().total_errors, replica.snapshot().degraded, len(replica.events())) == (2, True, 2)


@pytest.mark.docker
def test_coming_back_is_said_too(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each change."""
    caplog.set_level(logging.INFO)
    (replica,) = server.collectors(1)
    assert replica.close()
    server.docker.kill()
    for _ in range(3):
        assert not replica.close()
    server.docker.start()
    eventually(replica.close)
    told = [line.getMessage() for line in caplog.records]
    assert ["away" in line for line in told] == [True, False]
    assert told[1] == "redis_url: the store of error statistics is back"


@pytest.mark.docker
def test_a_reset_reaches_all_replicas(server: Server) -> None:
    """Also the state of one that has ended; what comes afterwards counts."""
    one, other, gone = server.collectors(3)
    for replica in (one, other, gone):
        record(replica, 4)
    eventually(lambda: agree([one, other], 12))
    forgotten: list[int] = []
    other.on_reset(lambda: forgotten.append(1))
    assert gone.shared is not None
    gone.shared._take_turn = lambda: 3600.0  # type: ignore[method-assign]  # it has ended
    one.reset()
    assert one.snapshot().total_errors == 0
    record(one, 1)
    eventually(lambda: agree([one, other], 1))
    assert (forgotten, len(one.events()), len(other.events())) == ([1], 1, 1)
    late = server.collectors(1)
    eventually(lambda: agree(late, 1))


@pytest.mark.docker
def test_a_reset_while_redis_is_away_happens_when_it_is_back(server: Server) -> None:
    """At once where it was asked for; emptying Redis does not undo it."""
    one, other = server.collectors(2)
    record(other, 4)
    eventually(lambda: agree([one, other], 4))
    server.docker.kill()
    eventually(lambda: other.snapshot().degraded)
    record(other, 1)
    one.reset()
    assert one.snapshot().total_errors == 0
    server.docker.start()
    eventually(lambda: agree([one, other], 0))
    new = server.collectors(1)
    record(new[0], 2)
    eventually(lambda: agree([one, other, *new], 2))
    server.restart_empty()
    record(new[0], 1)
    eventually(lambda: agree([one, other, *new], 3))
    eventually(lambda: [len(replica.events()) for replica in (one, other, *new)] == [3] * 3)


@pytest.mark.docker
def test_only_masked_events_get_there(server: Server) -> None:
    """Every byte of it is searched."""
    (replica,) = server.collectors(1)
    replica.record(BaseAppException(310, "password=Hunter2! of jo@shop.example", 404), {"path": "/u/jo@shop.example"})
    assert replica.close()
    with server.client() as client:
        everything = b"".join(client.dump(key) for key in server.every_key())
        (entry,) = client.xrange(server.key("events"))
    assert b"***" in entry[1][b"e"]
    assert not any(secret in everything for secret in (b"Hunter2", b"jo@shop"))


@pytest.mark.docker
def test_what_is_in_redis_is_bounded_and_goes_by_itself(server: Server) -> None:
    """No more events than one process keeps, and every key has an end."""
    one, other = server.collectors(2, max_history_size=20)
    for replica in (one, other):
        record(replica, 30)
        assert replica.close()
    with server.client() as client:
        assert client.xlen(server.key("events")) == 20
        assert client.zcard(server.key("index")) == 2
        lifetimes = {key: client.ttl(key) for key in server.every_key()}
    assert len(lifetimes) == 4
    assert all(0 < seconds <= KEPT for seconds in lifetimes.values())
    assert len(one.events()) == 20
    assert one.close()
    assert one.snapshot().total_errors == 60


@pytest.mark.docker
def test_of_too_many_processes_the_newest_are_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With one line that says so."""
    monkeypatch.setattr(redis, "OWNERS", 3)
    for number in (1, 10, 100, 1000):
        (replica,) = server.collectors(1)
        record(replica, number)
        assert replica.close()
        assert replica.shared is not None
        monkeypatch.setattr(replica.shared, "_take_turn", lambda: 3600.0)  # it has ended
    (last,) = server.collectors(1)
    record(last, 1)
    assert last.close()
    assert last.close()
    assert last.snapshot().total_errors == 1 + 1000 + 100
    assert [line.getMessage() for line in caplog.records if "processes" in line.getMessage()]


@pytest.mark.docker
def test_services_and_environments_do_not_mix(server: Server) -> None:
    """Their names are in the keys, whatever is in them."""
    odd = f"{server.service}:b"
    settings: list[dict[str, str]] = [{}, {"service": odd}, {"environment": "staging"}]
    replicas = [server.collectors(1, **setting)[0] for setting in settings]
    for number, replica in enumerate(replicas, 1):
        record(replica, number)
        assert replica.close()
    assert [replica.snapshot().total_errors for replica in replicas] == [1, 2, 3]
    with server.client() as client:
        assert client.exists(server.key("index"), f"error-metrics:{server.service}%3Ab:development:index") == 2


@pytest.mark.docker
def test_other_versions_and_rubbish_are_left_out_with_one_line(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Of two versions of this code in a rolling upgrade, each shows what it understands."""
    next_version, later = "a" * 32, "b" * 32
    with server.client() as client:
        for owner, head in (
            (next_version, b'{"v":2}'),
            (later, encode_head(Head(later)).replace(b'"v":1', b'"v":1,"colour":"blue"')),
            ("c" * 32, b"rubbish"),
            ("not an owner", b"{}"),
        ):
            fields = {b"head": head, b"x": b'{"code":310,"status":404,"domain":"RESOURCE","errors":7,"hue":1}'}
            good = b'{"code":311,"status":404,"domain":"RESOURCE","errors":2,"first_seen":1,"last_seen":2,'
            fields[b"y"] = good + b'"minutes":[[],[]],"hours":[[],[]],"hue":1}'
            client.hset(server.key(f"state:{owner}"), mapping=fields)
            client.zadd(server.key("index"), {owner: time.time() * 1000})
        client.xadd(server.key("events"), {"e": b'{"v":2}'})
        client.xadd(server.key("events"), {"other": b"\xff"})
        client.set(server.key("reset"), b"soon")
    (replica,) = server.collectors(1)
    record(replica, 1)
    assert replica.close()
    assert replica.close()
    assert replica.snapshot().by_code == {311: 2, 310: 1}
    told = [line.getMessage() for line in caplog.records]
    assert len(told) == 2
    assert any("what another version has written is not shown" in line for line in told)


@pytest.mark.docker
@forks
def test_a_forked_child_is_a_replica_of_its_own(server: Server) -> None:
    """What was counted before the fork is the parent's."""
    (parent,) = server.collectors(1)
    record(parent, 3)
    assert parent.close()
    assert in_a_child(parent, errors=2, total=5)
    record(parent, 1)
    eventually(lambda: agree([parent], 6))


@pytest.mark.docker
@pytest.mark.parametrize("mood", ["slow", "drips"])
def test_a_redis_that_takes_too_long_is_away(server: Server, monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    """Two seconds for each answer, or an answer byte by byte that no time limit of a socket ends."""
    monkeypatch.setattr(shared, "PATIENCE", 2.0)
    with wire(int(server.url.rpartition(":")[2].partition("/")[0])) as line:
        (replica,) = server.collectors(1, redis_url=server.url.replace(line.server, line.here))
        (other,) = server.collectors(1)
        record(other, 2)
        record(replica, 1)
        eventually(lambda: agree([replica, other], 3))
        line.mood = mood
        eventually(lambda: replica.snapshot().degraded)
        assert replica.snapshot().total_errors == 1
        record(replica, 1)
        line.mood = "works"
        eventually(lambda: agree([replica, other], 4))


@pytest.mark.docker
def test_options_of_other_clients_change_nothing(server: Server) -> None:
    """The URL may be that of the whole service."""
    one, other = server.collectors(2, redis_url=f"{server.url}?decode_responses=true&socket_timeout=60")
    record(one, 2)
    eventually(lambda: agree([one, other], 2) and len(other.events()) == 2)


def test_settings_that_redis_does_not_know_are_named() -> None:
    """When the collector is made, without the password."""
    with pytest.raises(ValueError, match="redis_url: ") as caught:
        collectors(1, redis_url="redis://:hunter22@127.0.0.1/0?socket_timeout=soon")
    assert "hunter22" not in str(caught.value)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the collector is made, not when Redis is needed."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ValueError, match="redis_url: the package is missing, pip install redis"):
        collectors(1, redis_url="redis://127.0.0.1")


def test_nothing_is_imported_or_started_unless_it_is_asked_for() -> None:
    """By default there is neither a client nor a thread."""
    script = (
        "import sys, threading\n"
        "from service.error_metrics import ErrorMetricsCollector, MetricsConfig\n"
        "collector = ErrorMetricsCollector(MetricsConfig.testing())\n"
        "collector.record(ValueError()), collector.snapshot(), collector.events(), collector.close()\n"
        "names = [name for name in sys.modules if name == 'redis' or 'stores.redis' in name or 'stores.disk' in name]\n"
        "assert not names and threading.active_count() == 1 and collector.shared is None, names\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)
