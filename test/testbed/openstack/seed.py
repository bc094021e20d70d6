"""Build the databases that every test bed starts from: python seed.py FOLDER

Made once and kept in the cache: keystone.db, heat.db, fernet-keys/, credential-keys/, with the users and projects of
configuration.py, the roles and the domain that Heat wants, and the catalog. prepare.py copies them. About 20 seconds.
"""
import grp
import os
import pwd
import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import configuration
from configuration import CLOUDS, PASSWORDS, REGION

# Only placeholders: prepare.py writes the real ports into the copy.
KEYSTONE_PORT, HEAT_PORT, CFN_PORT = 5000, 8004, 8000


def step(text):
    print(f"step: {text}", flush=True)


def tool(name, *args):
    """Run a console script of the virtual environment. By its interpreter: the script's first line breaks when the
    environment is moved."""
    subprocess.run([sys.executable, os.path.join(sys.prefix, "bin", name), *args], check=True, stdin=subprocess.DEVNULL)


def build_keystone_database(folder):
    owner = ("--keystone-user", pwd.getpwuid(os.getuid()).pw_name, "--keystone-group", grp.getgrgid(os.getgid()).gr_name)
    url = configuration.endpoint_urls(KEYSTONE_PORT, HEAT_PORT, CFN_PORT)["identity"]
    config = ("--config-file", f"{folder}/keystone.conf")
    step("Keystone's database schema")
    tool("keystone-manage", *config, "db_sync")
    step("Keystone's keys and administrator")
    tool("keystone-manage", *config, "fernet_setup", *owner)
    tool("keystone-manage", *config, "credential_setup", *owner)
    tool("keystone-manage", *config, "bootstrap", "--bootstrap-password", PASSWORDS["admin"],
         "--bootstrap-region-id", REGION, "--bootstrap-public-url", url,
         "--bootstrap-internal-url", url, "--bootstrap-admin-url", url)


def never_reuse_ids(database):
    """Give each row an id that no row had before, as MySQL and PostgreSQL do.

    SQLite hands out the highest id again once its row is deleted. Heat's engine keeps such ids while it works: an
    update then reads another row's data or none, and the stack ends UPDATE_FAILED or stays in progress for ever.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type='table' AND sql LIKE '%id INTEGER NOT NULL%'").fetchall()
        for name, sql in tables:
            indexes = connection.execute(
                "SELECT sql FROM sqlite_master WHERE type='index' AND tbl_name=? AND sql IS NOT NULL", (name,)).fetchall()
            counted = sql.replace("id INTEGER NOT NULL", "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", 1)
            counted = re.sub(r",\s*PRIMARY KEY \(id\)", "", counted)
            if connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() != (0,) or counted.count("PRIMARY KEY") != 1:
                raise SystemExit(f"table {name} of {database} is not as expected: {sql}")
            connection.execute(f'DROP TABLE "{name}"')
            connection.execute(counted)
            for (index,) in indexes:
                connection.execute(index)


class Keystone:
    """Keystone's own HTTP API, called inside this process: no port, no second process."""

    def __init__(self, folder):
        sys.argv = ["keystone"]
        os.environ["OS_KEYSTONE_CONFIG_FILES"] = f"{folder}/keystone.conf"
        from keystone.server.wsgi import initialize_public_application
        from werkzeug.test import Client
        self.client = Client(initialize_public_application())
        self.headers = {}
        answer = self("POST", "/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "admin", "domain": {"id": "default"}, "password": PASSWORDS["admin"]}}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}}}})
        self.headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
        self.roles = {role["name"]: role["id"] for role in self("GET", "/roles").json["roles"]}

    def __call__(self, method, path, body=None):
        answer = self.client.open("/v3" + path, method=method, json=body, headers=self.headers)
        if answer.status_code >= 300:
            raise SystemExit(f"{method} /v3{path}: {answer.status}: {answer.get_data(as_text=True)}")
        return answer

    def add(self, kind, **fields):
        """Create a role, project, user, service, ... and return its id."""
        return self("POST", f"/{kind}s", {kind: fields}).json[kind]["id"]

    def add_user(self, name, domain="default"):
        return self.add("user", name=name, domain_id=domain, password=PASSWORDS[name])

    def grant(self, role, user, where):
        self("PUT", f"/{where}/users/{user}/roles/{self.roles[role]}")


def fill(keystone):
    for name in ("heat_stack_owner", "heat_stack_user"):
        keystone.roles[name] = keystone.add("role", name=name)

    urls = configuration.endpoint_urls(KEYSTONE_PORT, HEAT_PORT, CFN_PORT)
    for name, kind in (("heat", "orchestration"), ("heat-cfn", "cloudformation")):
        service = keystone.add("service", name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            keystone.add("endpoint", service_id=service, interface=interface, region_id=REGION, url=urls[kind])

    service_project, heat = keystone.add("project", name="service", domain_id="default"), keystone.add_user("heat")
    for role in ("admin", "service"):
        keystone.grant(role, heat, f"projects/{service_project}")
    domain = keystone.add("domain", name="heat")
    keystone.grant("admin", keystone.add_user("heat_domain_admin", domain), f"domains/{domain}")

    users = {}
    for user, project in CLOUDS.values():
        if user == "admin":  # keystone-manage bootstrap made it
            continue
        if user not in users:
            users[user] = keystone.add_user(user)
        project_id = keystone.add("project", name=project, domain_id="default")
        for role in ("member", "heat_stack_owner"):
            keystone.grant(role, users[user], f"projects/{project_id}")


def main(folder):
    os.makedirs(folder, exist_ok=True)
    configuration.write(f"{folder}/keystone.conf", configuration.keystone_conf(folder, KEYSTONE_PORT))
    configuration.write(f"{folder}/heat.conf",
                        configuration.heat_conf(folder, sys.prefix, KEYSTONE_PORT, HEAT_PORT, CFN_PORT))
    failures = []

    def build_heat_database():
        try:
            tool("heat-manage", "--config-file", f"{folder}/heat.conf", "db_sync")
        except Exception as error:
            failures.append(error)

    heat = threading.Thread(target=build_heat_database)
    heat.start()
    build_keystone_database(folder)
    step("users, projects, roles and the catalog")
    fill(Keystone(folder))
    step("Heat's database schema")
    heat.join()
    for failure in failures:
        raise SystemExit(f"heat-manage db_sync: {failure}")
    never_reuse_ids(f"{folder}/heat.db")
    os.remove(f"{folder}/keystone.conf")
    os.remove(f"{folder}/heat.conf")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
