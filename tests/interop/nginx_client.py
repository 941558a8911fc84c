# SPDX-License-Identifier: Apache-2.0
"""What a visitor of nginx sees of a bixws behind it: nginx_client.py PROXY UPSTREAM PID"""
import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request

import websockets


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def get(url, headers=None):
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def pages(proxy, upstream):
    status, _, text = get(f"http://{proxy}/bixws/")
    assert status == 200 and "<html" in text.lower(), (status, text[:200])
    status, headers, _ = get(f"http://{proxy}/bixws")
    assert status == 308 and headers["Location"].endswith("bixws/"), (status, headers["Location"])
    status, _, text = get(f"http://{proxy}/bixws/healthz")
    assert status == 200 and json.loads(text)["status"] == "ok", (status, text)
    status, _, text = get(f"http://{proxy}/bixws/metrics")
    assert status == 200 and "bixws_clients" in text, (status, text[:200])
    for url in (f"http://{upstream}/", f"http://{upstream}/metrics", f"http://{proxy}/bixwsx/metrics"):
        status, _, _ = get(url)
        assert status == 404, (url, status)


async def status_of(uri, **options):
    try:
        async with websockets.connect(uri, **options) as socket:
            assert json.loads(await asyncio.wait_for(socket.recv(), 10))["type"] == "initial_data"
            return 101
    except websockets.InvalidStatusCode as error:
        return error.status_code


async def origins(uri, proxy):
    # The page came through nginx: its origin is nginx's address, not the one that bixws listens on.
    assert await status_of(uri, origin=f"http://{proxy}") == 101
    assert await status_of(uri, origin="https://friend.example") == 101
    assert await status_of(uri, origin="https://stranger.example") == 403


async def addresses(uri):
    """Two clients of one address are allowed, however many come through the same nginx."""
    from_address = [await websockets.connect(uri, local_addr=("127.0.0.2", 0)) for _ in range(2)]
    assert await status_of(uri, local_addr=("127.0.0.2", 0)) == 429
    assert await status_of(uri, local_addr=("127.0.0.3", 0)) == 101
    # What a visitor claims to be does not count: nginx appends whom it talked to.
    claim = {"X-Forwarded-For": "127.0.0.9"}
    assert await status_of(uri, local_addr=("127.0.0.2", 0), extra_headers=claim) == 429
    for socket in from_address:
        await socket.close()


async def stream(uri, pid):
    async with websockets.connect(uri) as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": 1, "symbols": ["BTCUSDT"], "channels": ["trades"],
                                      "policy": "lossless"}))
        last = None
        count = 0
        while count < 30:
            message = json.loads(await asyncio.wait_for(socket.recv(), 20))
            if message["type"] != "trades":
                continue
            assert last is None or message["seq"] == last + 1, (last, message["seq"])
            last = message["seq"]
            count += 1
        await asyncio.wait_for(await socket.ping(), 10)
        os.kill(pid, signal.SIGTERM)
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 20)
        except websockets.ConnectionClosed:
            pass
        assert socket.close_code == 1001, socket.close_code
        assert socket.close_reason == "server is stopping", socket.close_reason


async def main(proxy, upstream, pid):
    pages(proxy, upstream)
    uri = f"ws://{proxy}/bixws/ws"
    assert await status_of(f"ws://{proxy}/bixws/") == 101
    await origins(uri, proxy)
    await addresses(uri)
    await stream(uri, pid)
    print("pages, origins, addresses and the stream are as without nginx")


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
