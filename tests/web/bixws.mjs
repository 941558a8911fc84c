// SPDX-License-Identifier: Apache-2.0
// The real bixws as a child process, and a WebSocket client that keeps what it receives as text: the page is compared
// to that, digit by digit.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

const PATIENCE_MS = 60000; // what a loaded machine may need; nothing waits for it to pass
export const binary = join(process.env.BIXWS_BUILD ?? new URL('../../build', import.meta.url).pathname, 'bixws');

/** Runs a verb that listens. {port, url, stop(), exited}. */
export async function bixws(verb, ...options) {
  const args = [verb, ...(options.includes('--port') ? [] : ['--port', '0']), ...options];
  const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const address = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`bixws ${args.join(' ')} did not listen: ${said}`)), PATIENCE_MS);
    child.stderr.on('data', (bytes) => {
      said += bytes;
      const found = /listening on wss?:\/\/([^\s]+)/.exec(said);
      if (found) {
        clearTimeout(timer);
        resolve(found[1]);
      }
    });
    exited.then((code) => reject(new Error(`bixws ${args.join(' ')} ended with ${code}: ${said}`)));
  });
  const url = `http://${address}${address.includes('/') ? '' : '/'}`;
  return {
    url,
    port: Number(/:(\d+)/.exec(address)[1]),
    exited,
    pid: child.pid,
    said: () => said,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Runs a verb to its end; its exit code. */
export function run(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (bytes) => (said += bytes));
    child.stderr.on('data', (bytes) => (said += bytes));
    child.once('exit', (code) => (code === 0 ? resolve(said) : reject(new Error(`bixws ${args.join(' ')}: ${code}: ${said}`))));
  });
}

export function scratch(test) {
  const folder = mkdtempSync(join(tmpdir(), 'bixws-web-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The digits of a member in a message's text, as they are on the wire. */
export function digits(text, name) {
  return new RegExp(`"${name}":(-?[0-9.]+)`).exec(text)?.[1];
}

/** The text of one symbol's ticker in a message, or undefined. */
export function tickerText(message, symbol) {
  const at = message.indexOf(`"${symbol}":{`);
  return at < 0 ? undefined : message.slice(at, message.indexOf('}', at) + 1);
}

/** Connects, sends `requests`, keeps every message's text. */
export async function listen(url, ...requests) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  const messages = [];
  const waiting = new Set();
  socket.on('message', (bytes) => {
    const text = bytes.toString();
    messages.push(text);
    if (messages.length > 200000) messages.shift();
    for (const check of waiting) check(text);
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  for (const request of requests) socket.send(JSON.stringify(request));
  /** The first message, past or to come, that `wanted` accepts. */
  const next = (wanted, milliseconds = PATIENCE_MS) => new Promise((resolve, reject) => {
    const past = messages.find(wanted);
    if (past !== undefined) return resolve(past);
    const timer = setTimeout(() => {
      waiting.delete(check);
      reject(new Error(`no such message among ${messages.length}`));
    }, milliseconds);
    const check = (text) => {
      if (!wanted(text)) return;
      clearTimeout(timer);
      waiting.delete(check);
      resolve(text);
    };
    waiting.add(check);
    return undefined;
  });
  let pings = 0;
  return {
    messages,
    closed,
    next,
    /** Resolves once the server has answered all that was asked so far, and sent what it had for us meanwhile. */
    settled: () => {
      const id = `settled-${++pings}`;
      socket.send(JSON.stringify({ type: 'ping', id }));
      return next((text) => text.includes(`"${id}"`));
    },
    close: () => socket.terminate(),
    onText: (callback) => socket.on('message', (bytes) => callback(bytes.toString())),
  };
}
