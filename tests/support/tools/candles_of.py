#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Candles of a recording's trades, computed from its SQL view alone: what sink_csv has to equal.
usage: candles_of.py FILE EXCHANGE SYMBOL SECONDS; prints CSV."""
import sqlite3, sys
from datetime import datetime, timezone
from decimal import Decimal, ROUND_DOWN, getcontext

getcontext().prec = 60
file, exchange, symbol, seconds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
bars = {}
rows = sqlite3.connect(f"file:{file}?mode=ro", uri=True).execute(
    "SELECT ts, recv_ts, price_text, size_text FROM v_trades WHERE exchange = ? AND symbol = ? ORDER BY session_id, seq, length(trade_id), trade_id",
    (exchange, symbol))
for ts, recv_ts, price, size in rows:
    open_time = (ts or recv_ts) // (seconds * 1000000) * seconds
    bars.setdefault(open_time, []).append((Decimal(price), Decimal(size)))
print("open_time,open,high,low,close,volume,trades,vwap")
for open_time in sorted(bars):
    trades = bars[open_time]
    prices = [price for price, _ in trades]
    volume = sum(size for _, size in trades)
    step = Decimal(1).scaleb(prices[-1].as_tuple().exponent - 2)
    vwap = (sum(price * size for price, size in trades) / volume).quantize(step, ROUND_DOWN)
    when = datetime.fromtimestamp(open_time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(",".join([when, *(f"{x:f}" for x in (prices[0], max(prices), min(prices), prices[-1], volume)), str(len(trades)),
                    f"{vwap:f}"]))
