# SPDX-License-Identifier: Apache-2.0
"""The plain client this project began with, unchanged, with Debian's python3-websockets."""
import asyncio
import json
import sys

import websockets


async def main(url):
    prices = {}
    updates = 0
    async with websockets.connect(url) as socket:
        first = json.loads(await socket.recv())
        assert first["type"] == "initial_data", first
        async for text in socket:
            message = json.loads(text)
            if message["type"] != "market_update":
                continue
            updates += 1
            for symbol, ticker in message["data"].items():
                prices[symbol] = ticker["price"]
            if updates >= 5 and len(prices) >= 4:
                break
    assert all(price > 0 for price in prices.values()), prices
    print(updates, "updates", prices)


asyncio.run(main(sys.argv[1]))
