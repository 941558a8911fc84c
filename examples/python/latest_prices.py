# SPDX-License-Identifier: Apache-2.0
"""The newest price of each symbol, kept up to date by a thread. A Streamlit page is then
`prices = st.cache_resource(latest_prices.start)(); st.table(prices)`. Needs Debian's python3-websockets."""
import asyncio, json, sys, threading
from decimal import Decimal
import websockets

latest, changed = {}, threading.Event()

async def follow(url):
    async for socket in websockets.connect(url, max_size=None):  # comes back by itself
        try:
            async for text in socket:
                message = json.loads(text, parse_float=Decimal)
                if message["type"] in ("initial_data", "market_update"):
                    latest.update({symbol: ticker["price"] for symbol, ticker in message["data"].items() if "price" in ticker})
                    changed.set()
        except websockets.ConnectionClosed:
            continue

def start(url="ws://localhost:8765"):
    threading.Thread(target=asyncio.run, args=[follow(url)], daemon=True).start()
    return latest

if __name__ == "__main__":
    start(*sys.argv[1:2])
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else sys.maxsize):
        changed.wait()
        changed.clear()
        print("  ".join(f"{symbol} {price}" for symbol, price in sorted(latest.items())), flush=True)
