# SPDX-License-Identifier: Apache-2.0
"""The newest price of each symbol, for any Python program (a Streamlit page, say): Debian's python3-websockets."""
import asyncio
import json
import sys
from decimal import Decimal

import websockets


async def prices(url="ws://localhost:8765"):
    """Yields {symbol: price} each time a price has changed."""
    latest = {}
    async with websockets.connect(url, max_size=None) as socket:
        async for text in socket:
            message = json.loads(text, parse_float=Decimal)
            if message["type"] in ("initial_data", "market_update"):
                latest.update((symbol, ticker["price"]) for symbol, ticker in message["data"].items())
                yield latest


async def main(url="ws://localhost:8765", updates="0"):
    count = 0
    async for latest in prices(url):
        print("  ".join(f"{symbol} {price}" for symbol, price in sorted(latest.items())), flush=True)
        count += 1
        if count == int(updates):
            break


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
