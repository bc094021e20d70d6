"""What the Keystone and the Heat of the test bed are configured with: names, passwords, keystone.conf, heat.conf, clouds.yaml.

Everything lives in one folder, `state`; nothing but loopback is used, unless TESTBED_HOST is another address.
"""
import os

HOST = os.environ.get("TESTBED_HOST", "127.0.0.1")
REGION = "RegionOne"
PASSWORDS = {
    "admin": "admin-pw",
    "demo": "demo-pw",
    "alice": "alice-pw",
    "heat": "heat-svc-pw",
    "heat_domain_admin": "heat-dom-pw",
}
# cloud's name in clouds.yaml: (user, project). demo and demo2 are one user in two projects; alice is another tenant.
CLOUDS = {
    "admin": ("admin", "admin"),
    "demo": ("demo", "demo"),
    "demo2": ("demo", "demo2"),
    "alice": ("alice", "alice"),
}


def keystone_url(port):
    return f"http://{HOST}:{port}"


def endpoint_urls(keystone_port, heat_port, cfn_port):
    """Service type: the URL that the catalog shows for it."""
    return {
        "identity": f"http://{HOST}:{keystone_port}/v3",
        "orchestration": f"http://{HOST}:{heat_port}/v1/%(tenant_id)s",
        "cloudformation": f"http://{HOST}:{cfn_port}/v1",
    }


def keystone_conf(state, keystone_port, token_expiration=3600):
    """keystone.conf; `token_expiration` in seconds. Without log_file it logs to stderr."""
    return f"""[DEFAULT]
public_endpoint = {keystone_url(keystone_port)}/
insecure_debug = false
[database]
connection = sqlite:///{state}/keystone.db?timeout=60
sqlite_synchronous = false
[token]
provider = fernet
expiration = {token_expiration}
allow_expired_window = 0
[fernet_tokens]
key_repository = {state}/fernet-keys
[fernet_receipts]
key_repository = {state}/fernet-keys
[credential]
key_repository = {state}/credential-keys
[identity]
password_hash_algorithm = bcrypt
password_hash_rounds = 4
[security_compliance]
# Heat makes a trust for every stack. Keystone 30 refuses trusts to application credentials (LP#2150089) unless told so.
allow_insecure_application_credential_trust_escalation = true
[cache]
enabled = true
backend = dogpile.cache.memory
"""


def heat_conf(state, prefix, keystone_port, heat_port, cfn_port, token_cache_time=300):
    """heat.conf; `prefix` is the virtual environment, `token_cache_time` is in seconds (-1: none)."""
    keystone = keystone_url(keystone_port)
    return f"""[DEFAULT]
host = testbed
transport_url = fake://
default_log_levels = heat.engine.environment=ERROR,heat=INFO,keystonemiddleware=WARN,oslo.messaging=WARN,sqlalchemy=WARN,urllib3=WARN,requests=WARN,stevedore=WARN,keystoneauth=WARN
rpc_response_timeout = 120
executor_thread_pool_size = 64
num_engine_workers = 1
convergence_engine = true
periodic_interval = 60
auth_encryption_key = 0123456789abcdef0123456789abcdef
environment_dir = {prefix}/etc/heat/environment.d
template_dir = {prefix}/etc/heat/templates
plugin_dirs = {state}/plugins
heat_metadata_server_url = http://{HOST}:{cfn_port}
heat_waitcondition_server_url = http://{HOST}:{cfn_port}/v1/waitcondition
region_name_for_services = {REGION}
stack_user_domain_name = heat
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = {PASSWORDS['heat_domain_admin']}
heat_stack_user_role = heat_stack_user
deferred_auth_method = trusts
enable_stack_abandon = true
enable_stack_adopt = true
max_stacks_per_tenant = 10000
max_resources_per_stack = 10000
[database]
connection = sqlite:///{state}/heat.db?timeout=60
sqlite_synchronous = false
[paste_deploy]
api_paste_config = {prefix}/etc/heat/api-paste.ini
[clients]
endpoint_type = publicURL
[clients_keystone]
auth_uri = {keystone}
[keystone_authtoken]
www_authenticate_uri = {keystone}
service_token_roles_required = true
token_cache_time = {token_cache_time}
auth_type = password
auth_url = {keystone}/v3
username = heat
password = {PASSWORDS['heat']}
project_name = service
user_domain_id = default
project_domain_id = default
[trustee]
auth_type = password
auth_url = {keystone}
username = heat
password = {PASSWORDS['heat']}
user_domain_id = default
[ec2authtoken]
auth_uri = {keystone}/v3
"""


def clouds_yaml(keystone_port):
    return "clouds:\n" + "".join(
        f"""  {name}:
    auth_type: password
    auth:
      auth_url: {keystone_url(keystone_port)}/v3
      username: {user}
      password: {PASSWORDS[user]}
      project_name: {project}
      user_domain_id: default
      project_domain_id: default
    region_name: {REGION}
    identity_api_version: 3
"""
        for name, (user, project) in CLOUDS.items()
    )


def write(path, text):
    """Write `path`, readable by its owner alone: it holds passwords."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
