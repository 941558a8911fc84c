# SPDX-License-Identifier: Apache-2.0
"""A program of yours against a recording: pytest, Debian's python3-websockets, and bixws on the PATH or in $BIXWS.

    RECORDING=day.db pytest test_replay.py
"""
import asyncio
import json
import os
import re
import subprocess
from decimal import Decimal

import pytest
import websockets

RECORDING = os.environ.get("RECORDING", "day.db")


@pytest.fixture
def replay():
    """The URL of a server that plays RECORDING as fast as it is read, once one client has subscribed."""
    command = [os.environ.get("BIXWS", "bixws"), "replay", RECORDING, "--port", "0", "--wait-clients", "1",
               "--speed", "max"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if match := re.search(r"listening on (ws://\S+)", line):
                break
        else:
            pytest.fail(f"{' '.join(command)} ended with {process.wait()}")
        yield match[1]
        process.terminate()
        process.communicate(timeout=10)


async def turnover(url):
    """What a bot might compute: the money that changed hands, by symbol, to the last digit."""
    total = {}
    async with websockets.connect(url, max_size=None) as socket:
        await socket.send(json.dumps({"type": "subscribe", "channels": ["trades"], "policy": "lossless"}))
        async for text in socket:
            message = json.loads(text, parse_float=Decimal, parse_int=Decimal)
            if message["type"] == "trades":
                for trade in message["data"]:
                    total[message["symbol"]] = total.get(message["symbol"], 0) + trade["price"] * trade["size"]
    return total


def test_the_same_recording_gives_the_same_turnover(replay):
    assert asyncio.run(turnover(replay))


def test_nothing_is_missed(replay):
    """Every trade message of a symbol is numbered, from 1 and without a hole."""
    async def numbers():
        seen = {}
        async with websockets.connect(f"{replay}/?channels=trades&policy=lossless", max_size=None) as socket:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "trades":
                    seen.setdefault((message["exchange"], message["symbol"]), []).append(message["seq"])
        return seen

    for topic, seqs in asyncio.run(numbers()).items():
        assert seqs == list(range(1, len(seqs) + 1)), topic
