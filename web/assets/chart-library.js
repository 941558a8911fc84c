// SPDX-License-Identifier: Apache-2.0
// The chart library (KLineChart, from npm), loaded when the first chart needs it: prices come before pictures.
import { ownIndicators } from './indicators.js';

let loading = null;

/** {charts, onPrice, below}: the library, and the names of the indicators it draws over and under the price. */
export function loadCharts() {
  loading ??= import('./vendor/klinecharts.js').then(() => {
    const charts = globalThis.klinecharts;
    const own = ownIndicators.map(({ indicator }) => indicator.name);
    for (const { indicator } of ownIndicators) charts.registerIndicator(indicator);
    const known = charts.getSupportedIndicators().filter((name) => !own.includes(name));
    const onPrice = ['MA', 'EMA', 'SMA', 'BOLL', 'BBI', 'SAR', 'AVP'].filter((name) => known.includes(name));
    return {
      charts,
      onPrice: [...onPrice, ...ownIndicators.filter((own_) => own_.onPrice).map((own_) => own_.indicator.name)],
      below: [...known.filter((name) => !onPrice.includes(name)).sort(), ...ownIndicators.filter((own_) => !own_.onPrice).map((own_) => own_.indicator.name)],
    };
  });
  loading.catch(() => (loading = null)); // another try may do better
  return loading;
}
