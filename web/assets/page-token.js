// SPDX-License-Identifier: Apache-2.0
// The token of this tab: in session storage only, gone with the tab, never in a link.

const STORED = 'bixws.token';

/** The token of this tab; one in the address is taken out of it at once, before anybody copies the link. */
export function rememberedToken() {
  const url = new URL(location.href);
  const given = url.searchParams.get('token');
  try {
    if (given !== null) {
      url.searchParams.delete('token');
      history.replaceState(null, '', url.href);
      sessionStorage.setItem(STORED, given);
    }
    return given ?? sessionStorage.getItem(STORED) ?? '';
  } catch {
    return given ?? '';
  }
}

export function rememberToken(token) {
  try {
    sessionStorage.setItem(STORED, token);
  } catch {
    // Then for as long as the page is open.
  }
}

export function forgetToken() {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // Nothing was kept.
  }
}
