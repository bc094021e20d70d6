"""How openstacksdk resolves a cloud: python sdk_config.py < CASES

CASES is a JSON list of {cwd, home, env, cloud, region}. For each it prints what it would send to Keystone and where it
would look for Heat, as a JSON list.
"""
import importlib
import json
import os
import sys
import warnings

import keystoneauth1.session
import requests
from openstack.config import loader

warnings.simplefilter("ignore")
VARIABLES = dict(os.environ)


class Keystone(requests.adapters.BaseAdapter):
    """Answers discovery, and keeps the token request."""

    def __init__(self):
        super().__init__()
        self.asked = None

    def send(self, request, **_):
        answer = requests.Response()
        answer.request, answer.url, answer.status_code = request, request.url, 200
        if request.method == "POST":
            self.asked = {"url": request.url, "body": json.loads(request.body)}
            answer.status_code, answer._content = 401, b"{}"
        else:
            url = request.url.rstrip("/").removesuffix("/v3") + "/v3/"
            answer._content = json.dumps({"version": {
                "id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": url}]}}).encode()
        return answer

    def close(self):
        pass


def resolve(case):
    os.environ.clear()
    os.environ.update({**VARIABLES, "HOME": case["home"], **case["env"]})
    os.chdir(case["cwd"])
    importlib.reload(loader)  # it looks at folders once
    region = loader.OpenStackConfig().get_one(cloud=case["cloud"], region_name=case["region"])
    keystone, session = Keystone(), keystoneauth1.session.Session()
    session.session.mount("http://", keystone)
    try:
        region._auth.get_token(session)
    except Exception:
        if keystone.asked is None:
            raise
    verify, cert = region.get_requests_verify_args()
    return {
        "asked": keystone.asked,
        "region": region.get_region_name("orchestration") or None,
        "interface": region.get_interface("orchestration"),
        "override": region.get_endpoint("orchestration"),
        "verify": verify,
        "cert": cert,
        "timeout": region.config.get("api_timeout") and float(region.config["api_timeout"]),
    }


json.dump([resolve(case) for case in json.load(sys.stdin)], sys.stdout)
