"""openstacksdk's half of the conformance scenarios: python sdk.py

A line of JSON on standard input is a call: {"id", "cloud", "endpoint", "code", "given"}. A line of JSON on standard
output is its outcome: {"id", "value"} or {"id", "error", "status"}. Calls run side by side, so lines can change places.
`code` is a Python expression or the body of a function, with the members of `given`, and besides:
heat, the orchestration proxy that sends its requests to `endpoint`; Stack, its class; pick(), names(), and sdk, the package.
"""
import collections.abc
import concurrent.futures
import copy
import json
import sys
import textwrap
import threading

import openstack
from openstack import exceptions, resource
from openstack.orchestration.v1.stack import Stack

connections = {}
lock = threading.Lock()


def pick(thing, *names):
    """Some attributes of a resource: what a create or update answers is mostly what it was given."""
    return {name: getattr(thing, name) for name in names}


def names(things):
    """The names of things, sorted."""
    return sorted(thing.name for thing in things)


def orchestration(cloud, endpoint):
    """The proxy of a cloud, with its requests going elsewhere. All share a session, as in one program."""
    with lock:
        if cloud not in connections:
            connections[cloud] = openstack.connect(cloud=cloud)
            connections[cloud].orchestration.get_project_id()
    heat = copy.copy(connections[cloud].orchestration)
    heat.endpoint_override = endpoint
    return heat


def plain(value):
    """A value as JSON. A resource is marked with its class, so that its members can be told from a user's."""
    if isinstance(value, resource.Resource):
        members = value.to_dict(computed=False, ignore_none=True)
        return {"$resource": type(value).__name__, **{key: plain(member) for key, member in members.items()}}
    if isinstance(value, collections.abc.Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, collections.abc.Iterable) and not isinstance(value, str | bytes):
        return [plain(member) for member in value]
    return value


def run(call):
    scope = {"heat": orchestration(call["cloud"], call["endpoint"]), "Stack": Stack, "pick": pick, "names": names, "sdk": openstack,
             **call["given"]}
    try:
        code = compile(call["code"], "scenario", "eval")
    except SyntaxError:
        exec("def scenario():\n" + textwrap.indent(call["code"], "    "), scope)
        return scope["scenario"]()
    return eval(code, scope)


def answer(call):
    try:
        outcome = {"value": plain(run(call))}
    except Exception as error:
        status = getattr(error, "status_code", None)
        outcome = {"error": type(error).__name__, "status": status, "message": str(error)}
    with lock:
        print(json.dumps({"id": call["id"], **outcome}), flush=True)


with concurrent.futures.ThreadPoolExecutor(16) as pool:
    for line in sys.stdin:
        pool.submit(answer, json.loads(line))
