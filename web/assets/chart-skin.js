// SPDX-License-Identifier: Apache-2.0
// The chart's colours and letters, taken from the page's style sheet, so that a theme is said in one place.

export function skinOf(element, bars) {
  const css = getComputedStyle(element);
  const color = (name) => css.getPropertyValue(`--bx-${name}`).trim();
  const [ink, muted, line, up, down, accent, ground] = ['ink', 'muted', 'line', 'up', 'down', 'accent', 'panel'].map(color);
  const family = css.fontFamily;
  const size = Math.round(parseFloat(css.fontSize) * 0.78);
  const soft = (one) => `color-mix(in srgb, ${one} 45%, transparent)`;
  // Up is hollow where the viewer asked for it; by colour alone nobody has to tell them apart.
  const type = { candles: 'candle_solid', hollow: 'candle_up_stroke', ohlc: 'ohlc', area: 'area' }[bars] ?? 'candle_solid';
  const mark = { color: muted, textFamily: family, textSize: size };
  const axis = { axisLine: { color: line }, tickLine: { show: false }, tickText: { color: muted, family, size } };
  const label = { family, size, color: ground, backgroundColor: muted, borderColor: muted };
  const series = ['line-1', 'line-2', 'line-3', 'line-4', 'line-5'].map(color);
  return {
    grid: { horizontal: { color: line, style: 'dashed', dashedValue: [2, 4] }, vertical: { show: false } },
    candle: {
      type,
      bar: {
        upColor: up, downColor: down, noChangeColor: muted, upBorderColor: up, downBorderColor: down, noChangeBorderColor: muted,
        upWickColor: up, downWickColor: down, noChangeWickColor: muted,
      },
      area: {
        lineColor: accent, lineSize: 2,
        backgroundColor: [{ offset: 0, color: `color-mix(in srgb, ${accent} 2%, transparent)` }, { offset: 1, color: `color-mix(in srgb, ${accent} 22%, transparent)` }],
        point: { show: true, color: accent, rippleColor: soft(accent), animation: false },
      },
      priceMark: { high: mark, low: mark, last: { upColor: up, downColor: down, noChangeColor: muted, text: { family, size, color: ground, borderRadius: 3 } } },
      tooltip: { showRule: 'none' }, // the element writes it, with exact digits
    },
    indicator: {
      ohlc: { upColor: soft(up), downColor: soft(down), noChangeColor: soft(muted) },
      bars: [{ upColor: soft(up), downColor: soft(down), noChangeColor: soft(muted) }],
      lines: series.map((one) => ({ color: one, size: 1.5 })),
      circles: [{ upColor: up, downColor: down, noChangeColor: muted }],
      tooltip: { offsetLeft: 8, offsetTop: 4, title: { color: muted, family, size }, legend: { color: muted, family, size } },
    },
    xAxis: axis,
    yAxis: axis,
    separator: { color: line, activeBackgroundColor: soft(line) },
    crosshair: {
      horizontal: { line: { color: muted }, text: label },
      vertical: { line: { color: muted }, text: label },
    },
    overlay: {
      point: { color: accent, borderColor: soft(accent), activeColor: accent, activeBorderColor: soft(accent), radius: 4, activeRadius: 6 },
      line: { color: accent, size: 1.5 },
      rect: { color: soft(accent), borderColor: accent },
      polygon: { color: soft(accent), borderColor: accent },
      circle: { color: soft(accent), borderColor: accent },
      text: { family, size, color: ground, backgroundColor: accent, borderColor: accent, borderRadius: 3 },
    },
    ink,
  };
}
