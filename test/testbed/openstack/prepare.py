"""Make the state folder of one test bed: a copy of the seed, the configuration files, and clouds.yaml with its ports.

A folder that already holds databases keeps them; only ports and configuration are renewed.
"""
import argparse
import os
import shutil
import sqlite3
import sys
from contextlib import closing

import configuration


def copy_seed(seed, state):
    for keys in ("fernet-keys", "credential-keys"):
        shutil.copytree(f"{seed}/{keys}", f"{state}/{keys}", dirs_exist_ok=True)
    for database in ("keystone.db", "heat.db"):
        shutil.copyfile(f"{seed}/{database}", f"{state}/{database}.new")
        with closing(sqlite3.connect(f"{state}/{database}.new")) as connection:
            # Readers never wait for the writer; kept in the file from here on.
            connection.execute("PRAGMA journal_mode=WAL")
        os.replace(f"{state}/{database}.new", f"{state}/{database}")


def set_catalog(state, urls):
    with closing(sqlite3.connect(f"{state}/keystone.db", timeout=60)) as connection, connection:
        connection.execute("UPDATE service SET enabled=1")  # a test may have hidden one
        for kind, url in urls.items():
            connection.execute(
                "UPDATE endpoint SET url=? WHERE service_id IN (SELECT id FROM service WHERE type=?)", (url, kind))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--keystone-port", type=int, required=True)
    parser.add_argument("--heat-port", type=int, required=True)
    parser.add_argument("--cfn-port", type=int, required=True)
    parser.add_argument("--token-expiration", type=int, required=True, help="seconds")
    parser.add_argument("--token-cache-time", type=int, required=True, help="seconds; -1: Heat asks Keystone every time")
    a = parser.parse_args()
    state = os.path.abspath(a.state)
    os.makedirs(f"{state}/plugins", exist_ok=True)
    if not os.path.exists(f"{state}/heat.db"):
        copy_seed(a.seed, state)
    set_catalog(state, configuration.endpoint_urls(a.keystone_port, a.heat_port, a.cfn_port))
    configuration.write(f"{state}/keystone.conf", configuration.keystone_conf(state, a.keystone_port, a.token_expiration))
    configuration.write(f"{state}/heat.conf", configuration.heat_conf(
        state, sys.prefix, a.keystone_port, a.heat_port, a.cfn_port, a.token_cache_time))
    configuration.write(f"{state}/clouds.yaml", configuration.clouds_yaml(a.keystone_port))


if __name__ == "__main__":
    main()
