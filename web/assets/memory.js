// SPDX-License-Identifier: Apache-2.0
// This browser's memory, or null where it has none (a private window, a file:// page, storage turned off).

export function storageOrNone() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
