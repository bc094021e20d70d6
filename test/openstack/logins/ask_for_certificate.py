"""A TLS server that refuses clients without a certificate of its authority, as OpenSSL does:
python ask_for_certificate.py FOLDER

FOLDER has cert.pem, key.pem and cacert.pem. It prints its port, and ends when its input does.
"""
import socket
import ssl
import sys
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{sys.argv[1]}/cert.pem", f"{sys.argv[1]}/key.pem")
context.load_verify_locations(f"{sys.argv[1]}/cacert.pem")
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)


def refuse():
    while True:
        plain, _ = listener.accept()
        # By hand rather than with wrap_socket: that closes the socket, and unread bytes would then reset the connection
        # before its alert has arrived.
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, to_send, server_side=True)
        try:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(to_send.read())
                    received.write(plain.recv(65536))
        except ssl.SSLError:
            pass
        plain.sendall(to_send.read())
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(65536):
            pass
        plain.close()


threading.Thread(target=refuse, daemon=True).start()
sys.stdin.read()
