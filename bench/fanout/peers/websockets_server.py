# SPDX-License-Identifier: Apache-2.0
"""The same broadcast on python3-websockets: websockets_server.py PORT RATE CLIENTS, as fanout_bare's arguments."""
import asyncio
import logging
import signal
import sys
import time

import websockets

port, rate, wanted = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
clients = set()
complete = asyncio.Event()
logging.getLogger("websockets").setLevel(logging.CRITICAL)  # clients that leave are no news


async def serve(client):
    clients.add(client)
    if len(clients) == wanted:
        complete.set()
    try:
        await client.wait_closed()
    finally:
        clients.discard(client)


async def send():
    await complete.wait()
    if rate < 0:
        return
    start = time.time_ns() // 1000
    seq = 0
    while clients:
        due = start + int(seq * 1e6 / rate) if rate > 0 else time.time_ns() // 1000
        ahead = due - time.time_ns() // 1000
        if ahead > 0:
            await asyncio.sleep(ahead / 1e6)
            continue
        seq += 1
        websockets.broadcast(clients, (
            f'{{"type":"trades","exchange":"sim","symbol":"BTCUSDT","seq":{seq},"data":[{{"price":{50000 + seq % 100}.25,'
            f'"size":0.{10000 + seq % 80000},"side":"buy","id":"{seq:035}","ts":{due - 20000},"recv_ts":{due}}}]}}'))
        await asyncio.sleep(0)
        while rate == 0 and any(client.transport.get_write_buffer_size() > 1 << 20 for client in clients):
            await asyncio.sleep(0.001)


async def main():
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.call_later(900, stop.set)
    server = await websockets.serve(serve, "127.0.0.1", port, compression=None, backlog=4096)
    print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    task = asyncio.create_task(send())
    await stop.wait()
    task.cancel()
    sys.exit(0)


asyncio.run(main())
