# SPDX-License-Identifier: Apache-2.0
"""Protocol version 1 with Debian's python3-websockets: exact digits, gapless seq, the HTTP pages of the same port."""
import asyncio
import json
import sys
import urllib.error
import urllib.request
from decimal import Decimal

import websockets


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def main(url):
    for compression in (None, "deflate"):
        async with websockets.connect(url, compression=compression, max_size=None) as socket:
            assert json.loads(await socket.recv())["type"] == "initial_data"
            await socket.send(json.dumps({"type": "subscribe", "id": 1, "symbols": ["BTCUSDT"],
                                          "channels": ["ticker", "trades"], "policy": "lossless"}))
            last = None
            subscribed = False
            tickers = trades = 0
            while tickers < 20 or trades < 20:
                message = json.loads(await asyncio.wait_for(socket.recv(), 20), parse_float=Decimal)
                if message["type"] == "trades":
                    assert message["symbol"] == "BTCUSDT", message
                    assert last is None or message["seq"] == last + 1, (last, message["seq"])
                    last = message["seq"]
                    for trade in message["data"]:
                        assert trade["side"] in ("buy", "sell") and trade["recv_ts"] >= trade["ts"] > 10**15, trade
                        assert "E" not in str(trade["price"]), trade
                    trades += 1
                elif message["type"] == "market_update":
                    for symbol, ticker in message["data"].items():
                        assert symbol == "BTCUSDT" or not subscribed, symbol
                        assert ticker["bid"] < ticker["ask"], ticker
                    tickers += 1
                elif message["type"] == "subscribed":
                    subscribed = True
                elif message["type"] == "initial_data":  # the tickers' snapshot, right after the answer
                    assert subscribed and list(message["data"]) == ["BTCUSDT"], message
                else:
                    assert message["type"] == "status", message
            pong = await socket.ping()
            await asyncio.wait_for(pong, 10)
        assert socket.close_code == 1000, socket.close_code
        print(f"compression {compression}: {tickers} tickers, {trades} trades messages")

    base = url.replace("ws://", "http://").rstrip("/")
    status, text = get(base + "/healthz")
    assert status == 200, (status, text)
    json.loads(text)
    status, text = get(base + "/metrics")
    assert status == 200 and "bixws_" in text, text[:200]
    status, text = get(base + "/")
    assert status == 200 and "<html" in text.lower(), text[:200]
    status, text = get(base + "/nothing")
    assert status == 404, status
    print("pages answered")


asyncio.run(main(sys.argv[1]))
