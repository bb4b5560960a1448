"""Reading a list."""

from __future__ import annotations

import re

import pytest

from service.fds.install import SAMPLE_LIST
from service.fds.threat_lists import Threat, read_list

HEAD = "kind,value,category,score"


def test_a_list_is_read() -> None:
    """Addresses in their one true spelling."""
    lines = [HEAD, "device,d1,fraud_ring,95", "ip,2001:0DB8::1,botnet,90", "network,203.0.113.0/24, proxy ,0"]
    assert read_list(lines) == {
        "device:d1": Threat("fraud_ring", 95),
        "ip:2001:db8::1": Threat("botnet", 90),
        "network:203.0.113.0/24": Threat("proxy", 0),
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("phone,d1,botnet,90", "line 2: kind: is 'phone', use one of ip, network, card, device"),
        ("ip,300.1.1.1,botnet,90", "line 2: value: is '300.1.1.1', write an address"),
        ("network,203.0.113.0/25,botnet,90", "line 2: value: is '203.0.113.0/25', write a network of /24"),
        ("network,203.0.113.1/24,botnet,90", "line 2: value: is '203.0.113.1/24', write a network of /24"),
        ("card,,botnet,90", "line 2: value: must have 1 to 200 characters"),
        ("card,c1,evil,90", "line 2: category: is 'evil', use one of stolen_card"),
        ("card,c1,botnet,101", "line 2: score: is '101', use a whole number from 0 to 100"),
        ("card,c1,botnet,-1", "line 2: score: is '-1'"),
        (f"card,c1,botnet,{'1' * 5000}", "line 2: score: is '1"),
        ('card,"c\n1",botnet,90', "line 2: value: must have no line breaks"),
        (f"card,{'c' * 200_000},botnet,90", "after line 1: field larger than field limit"),
        ("card,c1,botnet", "line 2: must have the 4 columns"),
        ("card,c1,botnet,90,more", "line 2: must have the 4 columns"),
    ],
)
def test_a_mistake_is_named_with_its_line(line: str, message: str) -> None:
    """And what belongs there."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        read_list([HEAD, line])


@pytest.mark.parametrize("lines", [[], ["value,kind"], ["device,d1,fraud_ring,95"]])
def test_a_list_without_its_head_is_refused(lines: list[str]) -> None:
    """Columns must not be mixed up."""
    with pytest.raises(ValueError, match="line 1: must be kind,value,category,score"):
        read_list(lines)


def test_the_sample_is_a_list() -> None:
    """It is what a service without Redis knows."""
    assert read_list(SAMPLE_LIST.read_text().splitlines())["device:stolen-phone"].score == 95
