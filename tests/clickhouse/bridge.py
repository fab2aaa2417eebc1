#!/usr/bin/env python3
"""ClickHouse's HTTP interface in front of the ClickHouse engine that the PyPI package chdb-core carries.

For tests on machines without a ClickHouse server: the real engine, in one process, on loopback, without users and replicas.
Prints "READY http://127.0.0.1:PORT VERSION". Ends when its standard input closes, so that nothing outlives the tests.

    bridge.py DIR [--port N] [--passing]

--passing: DIR goes when the engine ends.
"""
import argparse
import os
import re
import shutil
import signal
import struct
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import lz4.block
import lz4.frame

# What stands in the address and is no setting of the engine.
NO_SETTINGS = {"query", "database", "default_format", "user", "password", "query_id", "session_id", "compress", "decompress", "role"}
# What an engine inside this process cannot do or need not be told.
SERVER_ONLY = {"wait_end_of_query", "buffer_size", "insert_distributed_sync", "client_protocol_version"}
STATUS = {60: 404, 81: 404, 194: 401, 516: 403, 241: 500, 209: 503, 159: 408}


class Refused(Exception):
    pass


def literal(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Running:
    """Which requests are being worked on, for what stands in for system.processes and KILL QUERY."""

    def __init__(self):
        self.lock, self.ids = threading.Condition(), {}

    def begin(self, query_id):
        with self.lock:
            self.ids[query_id] = self.ids.get(query_id, 0) + 1

    def end(self, query_id):
        with self.lock:
            self.ids.pop(query_id, None)
            self.lock.notify_all()

    def wait_for(self, prefix):
        with self.lock:
            return self.lock.wait_for(lambda: not any(i.startswith(prefix) for i in self.ids), timeout=60)

    def count(self, prefix):
        with self.lock:
            return sum(i.startswith(prefix) for i in self.ids)


class Engine:
    def __init__(self, path):
        from chdb import connect

        self.path, self.open = path, connect
        self.first = connect(path)  # while it is open the engine stays up
        self.version = self.first.query("SELECT version()", "TSV").bytes().decode().strip()
        self.running = Running()


def unpacked(body):
    """The inside of ClickHouse's compressed blocks: checksum (16), method (1), packed and plain size (4 + 4), bytes."""
    out, at = [], 0
    while at < len(body):
        if len(body) - at < 25:
            raise Refused("Code: 33. DB::Exception: compressed block is cut short (CANNOT_READ_ALL_DATA)")
        method, packed, plain = struct.unpack_from("<BII", body, at + 16)
        data = body[at + 25 : at + 16 + packed]
        if len(data) != packed - 9:
            raise Refused("Code: 33. DB::Exception: compressed block is cut short (CANNOT_READ_ALL_DATA)")
        if method == 0x82:
            data = lz4.block.decompress(data, uncompressed_size=plain)
        elif method != 0x02:
            raise Refused(f"Code: 48. DB::Exception: compression method {method:#x} (NOT_IMPLEMENTED)")
        out.append(data)
        at += 16 + packed
    return b"".join(out)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 1 << 18
    wbufsize = 1 << 18
    engine = None

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            out = []
            while True:
                line = self.rfile.readline(1024)
                if not line.endswith(b"\n"):
                    raise ConnectionError("the client left in the middle of its request")
                n = int(line.split(b";")[0], 16)
                if n == 0:
                    while self.rfile.readline(65536) not in (b"\r\n", b"\n", b""):
                        pass
                    return b"".join(out)
                data = self.rfile.read(n)
                if len(data) < n:
                    raise ConnectionError("the client left in the middle of its request")
                out.append(data)
                self.rfile.readline(8)
        n = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(n)
        if len(data) < n:
            raise ConnectionError("the client left in the middle of its request")
        return data

    def answer(self, status, body, more=()):
        self.send_response(status)
        for name, value in more:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        self.request_(readonly=True)

    def do_POST(self):
        self.request_(readonly=False)

    def request_(self, readonly):
        address = urlsplit(self.path)
        if address.path == "/ping":
            return self.answer(200, b"Ok.\n")
        given = dict(parse_qsl(address.query, keep_blank_values=True))
        query_id = given.get("query_id") or str(uuid.uuid4())
        self.started = False
        try:
            body = self.body()
            if given.get("decompress") == "1":
                body = unpacked(body)
            self.engine.running.begin(query_id)
            try:
                self.work(given, body, readonly)
            finally:
                self.engine.running.end(query_id)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:  # whatever the engine says goes to the client
            self.refuse(str(error))

    def refuse(self, text):
        text = text[max(text.find("Code: "), 0) :]
        found = re.match(r"Code: (\d+)", text)
        code = int(found.group(1)) if found else 1002
        if not found:
            text = f"Code: 1002. DB::Exception: {text}"
        self.close_connection = True
        try:
            if self.started:
                # the answer is under way: it must not look complete
                self.connection.close()
                return
            self.answer(STATUS.get(code, 500), text.encode(), [("X-ClickHouse-Exception-Code", str(code)), ("Connection", "close")])
        except OSError:
            pass

    def work(self, given, body, readonly):
        sql = given.get("query", "")
        if not re.match(r"\s*INSERT\b.*\bFORMAT\s+\w+\s*$", sql, re.I | re.S):
            sql, body = sql + body.decode(), b""
        # there is one process: what other processes work on is what this one works on
        mine = re.search(r"startsWith\(query_id, '((?:[^'\\]|\\.)*)'\)", sql)
        if mine and re.match(r"\s*KILL QUERY", sql):
            self.engine.running.wait_for(re.sub(r"\\(.)", r"\1", mine.group(1)))
            return self.answer(200, b"")
        if mine and "system.processes" in sql:
            return self.answer(200, struct.pack("<Q", self.engine.running.count(re.sub(r"\\(.)", r"\1", mine.group(1)))))
        connection = self.engine.open(self.engine.path)
        try:
            if given.get("database"):
                connection.query("USE `" + given["database"].replace("`", "\\`") + "`", "Null")
            for name, value in given.items():
                if name in NO_SETTINGS or name in SERVER_ONLY or name.startswith("param_"):
                    continue
                if not re.fullmatch(r"\w+", name):
                    raise Refused(f"Code: 115. DB::Exception: Setting {name} (UNKNOWN_SETTING)")
                connection.query(f"SET {name} = {literal(value)}", "Null")
            if readonly:
                connection.query("SET readonly = 2", "Null")
            if body:
                self.insert(connection, sql, body)
            else:
                self.query(connection, sql, given.get("default_format") or "TabSeparated")
        finally:
            connection.close()

    def insert(self, connection, sql, body):
        statement, form = re.match(r"(.*)\bFORMAT\s+(\w+)\s*$", sql, re.I | re.S).groups()
        stream = connection.send_insert(statement, form)
        try:
            stream.append(body)
            stream.finish()
        except BaseException:
            try:
                stream.cancel()
            except Exception:
                pass
            raise
        self.answer(200, b"")

    def query(self, connection, sql, form):
        packed = "lz4" in (self.headers.get("Accept-Encoding") or "")
        encoding = [("Content-Encoding", "lz4")] if packed else []
        pack = lz4.frame.compress if packed else bytes
        if form != "RowBinary" or not re.match(r"\s*(SELECT|WITH)\b", sql, re.I):
            result = connection.query(sql, form)
            data = result.bytes() if result.size() else b""
            return self.answer(200, pack(data) if data else b"", encoding if data else [])
        # one piece is held back: most answers are one piece
        held, stream = None, connection.send_query(sql, form)
        try:
            for result in stream:
                data = result.bytes()
                if held is None:
                    held = data
                    continue
                if not self.started:
                    self.start(encoding)
                    self.piece(pack(held))
                self.piece(pack(data))
        except OSError:
            stream.cancel()
            raise ConnectionError("the client left while it was answered") from None
        if self.started:
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        else:
            self.answer(200, pack(held) if held else b"", encoding if held else [])

    def start(self, encoding):
        self.send_response(200)
        for name, value in encoding:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.started = True

    def piece(self, data):
        if data:
            self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("dir")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--passing", action="store_true")
    given = arguments.parse_args()
    os.makedirs(given.dir, exist_ok=True)
    Handler.engine = Engine(os.path.abspath(given.dir))
    server = Server(("127.0.0.1", given.port), Handler)

    def stop(*_):
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def follow():
        sys.stdin.buffer.read()
        stop()

    threading.Thread(target=follow, daemon=True).start()
    print("READY", f"http://127.0.0.1:{server.server_address[1]}", Handler.engine.version, flush=True)
    server.serve_forever(poll_interval=0.2)
    Handler.engine.first.close()
    if given.passing:
        shutil.rmtree(given.dir, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
