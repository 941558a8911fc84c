# SPDX-License-Identifier: Apache-2.0
"""python3-websockets as the server of our client layer: what it sends comes back, in pieces, compressed or not.

peer_server.py WS_TESTEE deflate|plain
"""
import asyncio
import sys
import urllib.parse

import websockets

TEXT = "Price 50000.10 – größer, 価格 " * 40
CASES = [["one line"], [""], [TEXT], [bytes(65536)], [TEXT * 800], [TEXT], [f"{i} {TEXT}" for i in range(200)]]
IN_PIECES = 6  # the number of the case whose message is sent as fragments, with a ping before its end


async def pieces(link):
    yield TEXT[:100]
    await (await link.ping(b"between"))  # answered amid a message
    yield TEXT[100:]


async def serve_case(link, number):
    expected = CASES[number - 1]
    if number == IN_PIECES:
        await link.send(pieces(link))
    else:
        for message in expected:
            await link.send(message)
    for wanted in expected:
        got = await link.recv()
        assert got == wanted, f"case {number}: {len(got)} other characters came back"
    await link.close(1000, "done")
    assert link.close_code == 1000, f"case {number}: closed with {link.close_code}"


async def main(testee, mode):
    ended = set()
    failures = []

    async def client(link, path):
        try:
            agreed = [extension.name for extension in link.extensions]
            assert agreed == (["permessage-deflate"] if mode == "deflate" else []), f"{mode}, but agreed on {agreed}"
            parts = urllib.parse.urlsplit(path)
            if parts.path == "/getCaseCount":
                await link.send(str(len(CASES)))
            elif parts.path == "/runCase":
                number = int(urllib.parse.parse_qs(parts.query)["case"][0])
                await serve_case(link, number)
                ended.add(number)
        except (AssertionError, websockets.WebSocketException) as error:
            failures.append(repr(error))

    async with websockets.serve(client, "127.0.0.1", 0, max_size=None, max_queue=None,
                                compression="deflate" if mode == "deflate" else None) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(testee, f"ws://127.0.0.1:{port}")
        code = await process.wait()
    assert code == 0, f"ws_testee ended with {code}"
    assert not failures, failures
    assert len(ended) == len(CASES), f"only {sorted(ended)} of {len(CASES)} cases came to their end"
    print(f"{mode}: {len(ended)} cases came back")


asyncio.run(main(*sys.argv[1:]))
