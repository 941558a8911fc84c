// SPDX-License-Identifier: Apache-2.0
// The dashboard's own indicators, beside those of the chart library: an example of how small one is. Each entry goes to
// klinecharts.registerIndicator; `calc` gets the bars and answers one object of figures a bar.

/** Volume-weighted average price since the start of the day (UTC). */
const vwap = {
  name: 'VWAP',
  shortName: 'VWAP',
  series: 'price',
  figures: [{ key: 'vwap', title: 'VWAP: ', type: 'line' }],
  calc: (bars) => {
    let day = -1;
    let volume = 0;
    let turnover = 0;
    return bars.map((bar) => {
      const today = Math.floor(bar.timestamp / 86400000);
      if (today !== day) {
        day = today;
        volume = 0;
        turnover = 0;
      }
      volume += bar.volume ?? 0;
      turnover += ((bar.high + bar.low + bar.close) / 3) * (bar.volume ?? 0);
      return { vwap: volume > 0 ? turnover / volume : bar.close };
    });
  },
};

/** Width of each bar in percent: how much the price moved within it. */
const range = {
  name: 'RANGE',
  shortName: 'Range %',
  precision: 3,
  figures: [{ key: 'range', title: 'Range %: ', type: 'bar', baseValue: 0 }],
  calc: (bars) => bars.map((bar) => ({ range: bar.low > 0 ? ((bar.high - bar.low) / bar.low) * 100 : 0 })),
};

/** {indicator, onPrice}. Add yours: push({indicator, onPrice}) before the chart is made. */
export const ownIndicators = [
  { indicator: vwap, onPrice: true },
  { indicator: range, onPrice: false },
];
