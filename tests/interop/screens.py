#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bixws watch in a real tmux, driven by keys, compared with golden screens.

usage: screens.py BIXWS GOLDEN_DIR [update]

A replay stands still at a known time, so everything on the screen is known but what the clock says (ages, rates, the
port): that is masked. `update` writes the screens anew; look at them before they are committed.
"""
import asyncio
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import websockets

PATIENCE_S = 30
SIZES = ((80, 24), (200, 50))
# Name of the screen, keys that lead to it from the one before. In a replay digits are speeds, so views change with Tab; "."
# is a step of one event, asked for on the same connection as the view's data, hence after it.
SCREENS = (("table", ()), ("filter", ("/", "E", "T", "H")), ("help", ("Escape", "?")),
           ("trades", ("Escape", "Tab") + (".",) * 60), ("book", ("Tab",)), ("chart", ("Tab",)),
           ("sought", ("<",)))  # 30 seconds back: nothing is left of what was later
TMUX = ["tmux", "-u", "-L", f"bixws-{os.getpid()}", "-f", "/dev/null"]


def row_masked(row):
    """A row of the table: ages, trends and arrows come and go with the clock, and the range is as wide as they leave it."""
    row = re.sub(r" !?\d+[smh] +[▁▂▃▄▅▆▇█ ]*$", " A", re.sub(r"─*●─*", "R", re.sub(r" [▲▼]", "", row)))
    return re.sub(r" +", " ", row)


def masked(screen):
    """The screen without what time and place decide."""
    screen = re.sub(r"ws://127\.0\.0\.1:\d+", "URL", screen)
    lines = []
    if (box := re.search(r"(?m)^(.*)╭─ Keys ─+╮", screen)):  # what lies behind it is another screen's matter
        left, right = len(box[1]), box.end() - box.start()
        return "\n".join(line[left:right] for line in screen.splitlines() if line[left:left + 1] in ("╭", "╰") or line[right - 1:right] == "│") + "\n"
    for line in screen.splitlines():
        table, edge, beside = line.partition("│") if "─" not in line or "●─" in line or "─●" in line else (line, "", "")
        if re.match(r"[ ▌](SYMBOL|[A-Z]+USDT) ", table):
            line = row_masked(table) + edge + beside
        elif "? help" in line:
            line = re.sub(r" +", " ", re.sub(r"<?[\d.]+K?/s", "N/s", line))
        lines.append(line.rstrip())
    return "\n".join(lines).rstrip() + "\n"


def capture(pane):
    return subprocess.run([*TMUX, "capture-pane", "-p", "-t", pane], check=True, capture_output=True, text=True).stdout


def held(name, pane, golden, update):
    """Waits until the pane shows the golden screen."""
    path = golden / f"{name}.txt"
    end = time.monotonic() + (3 if update else PATIENCE_S)
    while True:
        screen = masked(capture(pane))
        if not update and screen == path.read_text():
            print(f"ok: {name}")
            return True
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    if update:
        path.write_text(screen)
        return True
    print(f"FAILED: {name}")
    print("\n".join(difflib.unified_diff(path.read_text().splitlines(), screen.splitlines(), "golden", "shown", lineterm="")))
    return False


async def seek(url, value):
    async with websockets.connect(url) as socket:
        await socket.send(json.dumps({"type": "replay", "id": 1, "action": "seek", "value": value}))
        await socket.send(json.dumps({"type": "ping", "id": "done"}))
        async for text in socket:
            if '"pong"' in text:
                return


def main():
    bixws, golden = sys.argv[1], pathlib.Path(sys.argv[2])
    update = sys.argv[3:] == ["update"]
    passed = True
    with tempfile.TemporaryDirectory() as work:
        recording = f"{work}/sim.db"
        subprocess.run([bixws, "record", "BTCUSDT", "ETHUSDT", "SOLUSDT", "ADAUSDT", "-o", recording, "--feed",
                        "sim:rate=0,seed=7,start=2026-11-22T00:00:00Z,count=200000"], check=True, stderr=subprocess.DEVNULL)
        for columns, rows in SIZES:
            replay = subprocess.Popen([bixws, "replay", recording, "--paused", "--port", "0"], stderr=subprocess.PIPE, text=True)
            url = next(found.group() for line in replay.stderr if (found := re.search(r"ws://\S+", line)))
            asyncio.run(seek(url, "+150s"))
            pane = f"watch{columns}"
            subprocess.run([*TMUX, "new-session", "-d", "-s", pane, "-x", str(columns), "-y", str(rows),
                            f"env -u NO_COLOR LC_ALL=C.UTF-8 {bixws} watch --url {url}; sleep 600"], check=True)
            end = time.monotonic() + PATIENCE_S
            while "paused" not in capture(pane) and time.monotonic() < end:
                time.sleep(0.05)
            for name, keys in SCREENS:
                for key in keys:
                    subprocess.run([*TMUX, "send-keys", "-t", pane, key], check=True)
                passed &= held(f"tmux-{name}-{columns}x{rows}", pane, golden, update)
            subprocess.run([*TMUX, "send-keys", "-t", pane, "q", "q"], check=True)
            end = time.monotonic() + PATIENCE_S
            while capture(pane).strip() and time.monotonic() < end:
                time.sleep(0.05)
            left = capture(pane).strip()
            if left:
                passed = False
                print(f"FAILED: the terminal was not given back:\n{left}")
            replay.terminate()
            passed &= replay.wait() == 0
    return 0 if passed else 1


try:
    sys.exit(main())
finally:
    subprocess.run([*TMUX, "kill-server"], capture_output=True, check=False)
