#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clients of a soak: some that stay and check every message, some that come and go, some that do not read.

usage: clients.py NAME=URL... --token-file FILE

Prints what it saw as JSON lines, one every ten seconds, and one with "end" when its stdin is closed: p99 of the time
from recv_ts to the client per server, gaps, and complaints (an empty list is what one wants to see).
"""
import argparse
import asyncio
import json
import os
import random
import socket
import sys
import time
import urllib.parse

import websockets

PERIOD = 10
STEADY = 6  # clients per server
COMERS = 4
STALL = 12  # seconds for which a slow one does not read
COMMON = {"max_size": None, "compression": None, "ping_interval": None, "open_timeout": 10}


class Server:
    """What its clients saw of one server."""

    def __init__(self, name, url):
        self.name, self.url = name, url
        self.delays, self.gaps, self.complaints = [], {}, []
        self.messages = self.visits = self.slow_closed = self.resumed = 0

    def complain(self, text):
        if len(self.complaints) < 20:
            self.complaints.append(f"{self.name}: {text}")

    def report(self):
        delays, self.delays = sorted(self.delays), []
        gaps, self.gaps = self.gaps, {}
        return {
            "messages": self.messages, "visits": self.visits, "slow_closed": self.slow_closed, "resumed": self.resumed,
            "gaps": gaps,
            "p50_us": delays[len(delays) // 2] if delays else None,
            "p99_us": delays[len(delays) * 99 // 100] if delays else None,
        }


class Follower:
    """Follows the numbers of each topic: a hole that no gap announced, or a repeat, is a complaint."""

    def __init__(self, server):
        self.server = server
        self.epoch = None
        self.last = {}
        self.excused = {}

    def look(self, message):
        kind = message["type"]
        if kind in ("initial_data", "subscribed") and message.get("epoch") not in (None, self.epoch):
            self.epoch, self.last, self.excused = message["epoch"], {}, {}
        elif kind == "gap":
            self.gap(message)
        elif kind in ("trades", "book"):
            self.follow(message, kind)

    def gap(self, message):
        if not message.get("reason"):
            self.server.complain(f"a gap without a reason: {message}")
        key = (message.get("exchange", ""), message.get("reason", ""), message.get("scope", ""))
        self.server.gaps[" / ".join(key)] = self.server.gaps.get(" / ".join(key), 0) + 1
        if "to_seq" in message:
            topic = (message["exchange"], message.get("symbol"), message.get("channel", "").split(":")[0])
            self.excused[topic] = max(self.excused.get(topic, 0), message["to_seq"])

    def follow(self, message, kind):
        topic = (message["exchange"], message["symbol"], kind)
        seq, first = message["seq"], message.get("from_seq", message["seq"])
        last = self.last.get(topic)
        if message.get("action") == "snapshot" or message.get("history"):
            if last is None or seq > last:
                self.last[topic] = seq
            return
        if last is not None and first > max(last, self.excused.get(topic, 0)) + 1:
            self.server.complain(f"{topic}: {last} is followed by {first} and nobody said why")
        if last is not None and seq <= last:
            self.server.complain(f"{topic}: {seq} came after {last}")
        self.last[topic] = seq


async def connected(server, token, **options):
    return await websockets.connect(server.url, extra_headers={"Authorization": f"Bearer {token()}"},
                                    **{**COMMON, **options})


def subscribe(follower=None, policy="lossless"):
    request = {"type": "subscribe", "id": 1, "channels": ["trades", "book", "status"], "policy": policy}
    if follower and follower.epoch:
        last = {}
        for (exchange, symbol, channel), seq in follower.last.items():
            last.setdefault(f"{exchange}:{symbol}", {})[channel] = seq
        request["resume"] = {"epoch": follower.epoch, "last": last}
    return json.dumps(request)


def small_socket(url):
    """One whose kernel takes next to nothing for a client that does not read."""
    address = urllib.parse.urlsplit(url)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect((address.hostname, address.port))
    made.setblocking(False)
    return made


async def steady(server, token):
    """Stays; what it has when the server goes away it resumes from."""
    follower = Follower(server)
    while True:
        try:
            link = await connected(server, token)
            server.resumed += follower.epoch is not None
            await link.send(subscribe(follower))
            async for text in link:
                message = json.loads(text)
                follower.look(message)
                server.messages += 1
                if message["type"] == "error":
                    server.complain(f"refused: {text}")
                if message["type"] == "trades" and not message.get("history"):
                    server.delays.append(int(time.time() * 1e6) - message["data"][-1]["recv_ts"])
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
            server.complain(f"a client that stays lost its connection: {error!r}")
        await asyncio.sleep(1)


async def comer(server, token, dice):
    """Comes, listens for a while, leaves; politely or not."""
    while True:
        try:
            link = await connected(server, token)
            await link.send(subscribe(policy="conflate"))
            until = time.monotonic() + dice.uniform(0.05, 2)
            while time.monotonic() < until:
                json.loads(await asyncio.wait_for(link.recv(), 10))
            if dice.random() < 0.5:
                await link.close()
            else:
                link.transport.abort()
            server.visits += 1
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
            server.complain(f"a visitor was turned away: {error!r}")
            await asyncio.sleep(1)


async def sluggard(server, token):
    """Does not read; the server has to say what it thinks of that, and nobody else may notice."""
    while True:
        try:
            link = await connected(server, token, max_queue=1, read_limit=4096, sock=small_socket(server.url))
            await link.send(subscribe())
            link.transport.pause_reading()
            await asyncio.sleep(STALL)
            link.transport.resume_reading()
            try:
                until = time.monotonic() + STALL
                while time.monotonic() < until:
                    await asyncio.wait_for(link.recv(), STALL)
                await link.close()
            except websockets.ConnectionClosed as closed:
                server.slow_closed += 1
                if closed.rcvd is not None and closed.rcvd.code != 1013:
                    server.complain(f"a slow client was closed with {closed.rcvd.code}")
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
            server.complain(f"a slow client was turned away: {error!r}")
            await asyncio.sleep(1)


async def run(call):
    def token():  # read anew each time: it may have been exchanged
        with open(call.token_file, encoding="ascii") as file:
            return file.readline().strip()

    servers = [Server(*pair.split("=", 1)) for pair in call.servers]
    dice = random.Random(call.seed)
    tasks = []
    for server in servers:
        tasks += [steady(server, token) for _ in range(STEADY)]
        tasks += [comer(server, token, dice) for _ in range(COMERS)]
        tasks.append(sluggard(server, token))
    tasks = [asyncio.ensure_future(task) for task in tasks]
    told_to_end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    began = time.monotonic()
    ended = False
    while not ended:
        done, _ = await asyncio.wait([told_to_end, *tasks], timeout=PERIOD, return_when=asyncio.FIRST_COMPLETED)
        ended = told_to_end in done
        for task in done - {told_to_end}:
            task.result()  # raises: a client is not meant to end
        line = {"at": round(time.monotonic() - began, 1), **{server.name: server.report() for server in servers}}
        if ended:
            line["end"] = True
            line["complaints"] = [text for server in servers for text in server.complaints]
        print(json.dumps(line), flush=True)
    os._exit(0)  # no farewells: what a server makes of clients that are simply gone belongs to the soak


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="NAME=URL")
    parser.add_argument("--token-file", required=True)
    parser.add_argument("--seed", type=int, default=7)
    asyncio.run(run(parser.parse_args()))
