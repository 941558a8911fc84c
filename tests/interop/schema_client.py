# SPDX-License-Identifier: Apache-2.0
"""docs/protocol.schema.json is JSON Schema as others understand it: Debian's python3-jsonschema holds traffic of every
kind against it, and our own requests too."""
import asyncio
import json
import pathlib
import sys

import jsonschema
import websockets

SCHEMA = json.loads((pathlib.Path(__file__).parents[2] / "docs/protocol.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(SCHEMA)


def validator(name):
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


SERVER = validator("server_message")
CLIENT = validator("client_message")
REQUESTS = [
    {"type": "subscribe", "id": 1, "channels": ["ticker", "trades", "book", "book:5", "candles:1m", "status", "alerts",
                                                "annotations"]},
    {"type": "annotate", "id": "a", "symbol": "BTCUSDT", "price": 5, "points": [[1795372800000000, 5]]},
    {"type": "history", "id": 2, "symbol": "BTCUSDT", "channel": "candles:1m", "limit": 10},
    {"type": "history", "id": 3, "symbol": "BTCUSDT", "channel": "trades"},
    {"type": "replay", "id": 4, "action": "pause"},
    {"type": "unsubscribe", "id": 5, "channels": ["book"]},
    {"type": "ping", "id": "end"},
]


async def main(url):
    types = {}
    async with websockets.connect(url, max_size=None) as socket:
        for request in REQUESTS:
            CLIENT.validate(request)
            await socket.send(json.dumps(request))
        done = 0
        while done < len(REQUESTS) or sum(types.values()) < 400:
            message = json.loads(await asyncio.wait_for(socket.recv(), 20))
            SERVER.validate(message)
            types[message["type"]] = types.get(message["type"], 0) + 1
            done += message["type"] in ("subscribed", "annotation", "history", "error", "unsubscribed", "pong")
    for wrong in ({"type": "book"}, {"type": "pong", "id": True}, {"type": "error", "code": "oops", "message": "x"}):
        assert not SERVER.is_valid(wrong), wrong
    assert not CLIENT.is_valid({"type": "subscribe", "channels": ["smoke"]})
    print("fit:", types)


asyncio.run(main(sys.argv[1]))
