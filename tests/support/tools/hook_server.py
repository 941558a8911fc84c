#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A webhook receiver that answers as told, one answer a request, the last one for ever:
  ok | NNN | NNN:RETRY_AFTER | slow:SECONDS | never | cut | redirect:NNN:LOCATION | flaky:SEED (ok, 500 or cut)
Prints "port N", then a line of JSON for each request it has read: path, headers, body, answer, and with --secret whether
the signature is right. It shares no code with what it judges. Ends when its stdin does."""
import argparse, hashlib, hmac, json, random, ssl, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

options = argparse.ArgumentParser()
options.add_argument("answers", nargs="+")
options.add_argument("--cert")
options.add_argument("--key")
options.add_argument("--secret")
args = options.parse_args()

lock = threading.Lock()
requests = 0
stopping = threading.Event()
flaky = random.Random(next((int(a[6:]) for a in args.answers if a.startswith("flaky:")), 0))


class Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        global requests
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with lock:
            answer = args.answers[min(requests, len(args.answers) - 1)]
            requests += 1
            if answer.startswith("flaky:"):
                answer = flaky.choice(["ok", "ok", "ok", "500", "cut"])
            seen = {"path": self.path, "at": time.monotonic(), "answer": answer, "body": body,
                    "headers": {name.lower(): value for name, value in self.headers.items()}}
            if args.secret:
                text = self.headers.get("Bixws-Timestamp", "") + "." + body
                right = "sha256=" + hmac.new(args.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
                seen["signature_right"] = hmac.compare_digest(right, self.headers.get("Bixws-Signature", ""))
            print(json.dumps(seen), flush=True)
        self.answer(answer)

    def answer(self, answer):
        self.close_connection = True
        kind, *rest = answer.split(":", 2)
        if kind == "never":
            stopping.wait(30)
            return
        if kind == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return
        if kind == "slow":
            stopping.wait(float(rest[0]))
            kind, rest = "ok", []
        headers = {}
        if kind == "redirect":
            status, headers["Location"] = int(rest[0]), rest[1]
        else:
            status = 200 if kind == "ok" else int(kind)
            if rest:
                headers["Retry-After"] = rest[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a client that goes away is what some tests are about


server = Server(("127.0.0.1", 0), Hook)
if args.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("port", server.server_address[1], flush=True)
sys.stdin.read()
stopping.set()
