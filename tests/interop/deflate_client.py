# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate with Debian's python3-websockets: deflate_client.py URL --compress|plain"""
import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory


async def read(url, extensions):
    """Snapshots of all books, and what was agreed on."""
    async with websockets.connect(url, compression=None, extensions=extensions, max_size=None) as socket:
        agreed = socket.response_headers.get("Sec-WebSocket-Extensions", "")
        await socket.send(json.dumps({"type": "subscribe", "id": 1, "channels": ["book"], "policy": "lossless"}))
        snapshots = updates = 0
        last = {}
        while snapshots < 4 or updates < 100:
            message = json.loads(await asyncio.wait_for(socket.recv(), 20))
            if message["type"] != "book":
                continue
            symbol = message["symbol"]
            if message["action"] == "snapshot":
                snapshots += 1
            else:
                updates += 1
                assert message["seq"] == last[symbol] + 1, (symbol, last[symbol], message["seq"])
            last[symbol] = message["seq"]
        # Ours may be compressed as well.
        await socket.send(json.dumps({"type": "ping", "id": "x" * 1000}))
        while True:
            message = json.loads(await asyncio.wait_for(socket.recv(), 20))
            if message["type"] == "pong":
                assert message["id"] == "x" * 1000
                return agreed


async def main(url, mode):
    for bits in (None, 15, 12, 9):
        offer = ClientPerMessageDeflateFactory(server_max_window_bits=bits, client_max_window_bits=True)
        agreed = await read(url, [offer])
        assert agreed.startswith("permessage-deflate" if mode == "--compress" else ""), agreed
        assert mode == "--compress" or agreed == "", agreed
    assert await read(url, []) == ""
    print(mode, "agreed as offered")


asyncio.run(main(sys.argv[1], sys.argv[2]))
