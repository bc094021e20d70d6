"""A real Keystone, in the foreground: python serve_keystone.py STATE PORT

Keystone and Heat can't share a process: both are configured through oslo.config's one global object, and each wants its
own [database]connection.
"""
import os
import sys

import serving


def main(state, port):
    sys.argv = ["keystone"]
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = f"{state}/keystone.conf"
    serving.let_sqlite_writers_queue()
    serving.lock_policy_checks()
    from keystone.server.wsgi import initialize_public_application
    # One at a time: in threads, a Keystone 30 rarely takes one request for another (403 for what the user may do).
    serving.serve(initialize_public_application(), port, 1, "keystone")
    serving.wait_for_signal()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]))
