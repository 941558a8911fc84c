// SPDX-License-Identifier: Apache-2.0
// The page's client, a script of its own: the first prices travel while the rest of the page is still being loaded.
import { BixwsClient } from './bixws-client.js';
import { rememberedToken } from './page-token.js';

export const client = new BixwsClient({ token: rememberedToken(), queueLimit: 0 });
client.connect();
