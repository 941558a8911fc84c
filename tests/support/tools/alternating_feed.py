#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A feed for feed_exec: trades at 101 and 99 in turn, so that a rule at 100 fires with each.
usage: alternating_feed.py COUNT [PAUSE_SECONDS]; then it waits until its stdin ends."""
import sys, threading, time

count, pause = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
for number in range(count + 1):
    if ended.wait(pause):
        break
    print('{"type":"trades","symbol":"BTCUSDT","data":[{"price":%d,"size":1,"side":"buy","id":"%d"}]}'
          % (99 + 2 * (number % 2), number), flush=True)
ended.wait()
