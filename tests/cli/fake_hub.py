"""A small Hugging Face hub: the routes that `vivace pull` uses, over HTTP or TLS, with switches for what can go wrong."""

import hashlib
import http.server
import json
import ssl
import threading

COMMIT = "c" * 40


class FakeHub:
    """files: {name: bytes}. Weights are served by redirect from a second address, like a content network does it."""

    def __init__(self, models, tls=None, redirect_to=None):
        self.models = models                 # {"owner/name": {file: bytes}}
        self.requests = []                   # (path, headers) in order
        self.wrong_bytes = set()             # files whose content does not fit the named checksum
        self.cut_after = {}                  # file: bytes after which the connection breaks, once
        self.always_cut = set()
        self.no_checksums = False
        self.private = set()                 # ids that need the token "hf_secret"
        self.extra_names = []                # further names that listings hold
        self.listing_text = None             # instead of a real listing
        self.redirect_loop = False
        self.redirect_to = redirect_to       # base address of the content network; None: this server
        self.ignore_ranges = False
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                hub.requests.append((self.path, dict(self.headers)))
                hub._answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.configure_cert(context)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.address = f"{scheme}://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def paths(self):
        return [path for path, _ in self.requests]

    def _answer(self, handler):
        path = handler.path
        if path.startswith("/api/models/"):
            return self._listing(handler, path.removeprefix("/api/models/"))
        if path.startswith("/cdn/"):
            return self._content(handler, path.removeprefix("/cdn/"))
        if "/resolve/" in path:
            return self._resolve(handler, path)
        return self._send(handler, 404, b"no such page")

    def _send(self, handler, status, body, headers=()):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _may_see(self, handler, model):
        return model not in self.private or handler.headers.get("Authorization") == "Bearer hf_secret"

    def _listing(self, handler, path):
        model, _, revision = path.partition("/revision/")
        if model not in self.models or revision not in ("main", COMMIT) or not self._may_see(handler, model):
            return self._send(handler, 401, b"{}", [("X-Error-Message", "Repository not found")])
        if self.listing_text is not None:
            return self._send(handler, 200, self.listing_text.encode())
        names = [*self.models[model], *self.extra_names]
        body = json.dumps({"id": model, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]})
        return self._send(handler, 200, body.encode())

    def _resolve(self, handler, path):
        model, _, rest = path[1:].partition("/resolve/")
        file = rest.removeprefix(COMMIT + "/")
        if not self._may_see(handler, model) or file not in self.models.get(model, {}):
            return self._send(handler, 404, b"", [("X-Error-Message", "Entry not found")])
        content = self.models[model][file]
        if not file.endswith(".safetensors"):
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            return self._send_part(handler, file, content, [] if self.no_checksums else [("ETag", f'"{blob}"')])
        base = self.redirect_to or ""
        headers = [("Location", path if self.redirect_loop else f"{base}/cdn/{model}/{file}")]
        if not self.no_checksums:
            headers += [("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"'),
                        ("X-Linked-Size", str(len(content)))]
        return self._send(handler, 302, b"moved", headers)

    def _content(self, handler, path):
        owner, name, file = path.split("/", 2)
        return self._send_part(handler, file, self.models[f"{owner}/{name}"][file], [("ETag", '"of-the-network"')])

    def _send_part(self, handler, file, content, headers):
        if file in self.wrong_bytes:
            content = content[:-1] + bytes([content[-1] ^ 1])
        begin = 0
        status = 200
        wanted = handler.headers.get("Range")
        if wanted and not self.ignore_ranges:
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(content):
                return self._send(handler, 416, b"")
            status = 206
            headers = [*headers, ("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")]
        cut = self.cut_after.get(file)
        if cut is None:
            return self._send(handler, status, content[begin:], headers)
        if file not in self.always_cut:
            del self.cut_after[file]
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content) - begin))
        handler.end_headers()
        handler.wfile.write(content[begin:begin + cut])
        handler.wfile.flush()
        handler.close_connection = True
        return None
