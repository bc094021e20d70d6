"""A plain operator for stacks as a Python engineer would write it, with kopf and openstacksdk: a peer of the benchmark.

stacks.py KUBECONFIG WORKERS

It creates a stack, asks for it and its resources every two seconds while Heat is at work, writes the status when it
differs, updates when what it would send differs from what it sent, and deletes behind kopf's finalizer. It sends no
Events, and knows neither drift nor ownership.
"""

import asyncio
import base64
import hashlib
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import kopf
import openstack
import requests
import yaml
from openstack import exceptions
from openstack.orchestration.v1.stack import Stack

KUBECONFIG, WORKERS = sys.argv[1], int(sys.argv[2])
RESOURCE = ('heatstack.dev', 'v1alpha1', 'heatstacks')
POLL_SECONDS = 2

with open(KUBECONFIG) as file:
    CONFIG = yaml.safe_load(file)
SERVER = CONFIG['clusters'][0]['cluster']
TOKEN = CONFIG['users'][0]['user']['token']
connections: dict[str, openstack.connection.Connection] = {}


@kopf.on.login()
def login(**_):
    return kopf.ConnectionInfo(
        server=SERVER['server'],
        ca_data=SERVER['certificate-authority-data'],
        scheme='Bearer',
        token=TOKEN,
    )


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_):
    settings.posting.enabled = False
    # openstacksdk blocks, so that handlers run in threads: as many as the others work on objects at once. A limit of
    # kopf's own would count objects that only wait for Heat, too.
    settings.execution.executor = ThreadPoolExecutor(WORKERS)
    # kopf's own notes would need fields in the CustomResourceDefinition's status.
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage()


@kopf.on.create(*RESOURCE)
@kopf.on.update(*RESOURCE, field='spec')
def apply(namespace, name, spec, status, patch, meta, retry, **_):
    """Called again every two seconds until Heat has done what the object says."""
    heat = heat_of(namespace, spec)
    digest = digest_of(spec)
    stack = Stack.existing(id=status['id'], name=name) if status.get('id') else None
    definition = {'template': spec['template']['inline'], 'parameters': dict(spec.get('parameters', {}))}
    if stack is None:
        created = heat.create_stack(name=name, **definition)
        report(patch, meta, {'id': created.id, 'stackName': name, 'attemptedDigest': digest}, 'CREATE_IN_PROGRESS')
        raise kopf.TemporaryError('Heat is at work', delay=POLL_SECONDS)
    if status.get('attemptedDigest') != digest:
        heat.update_stack(stack, **definition)
        report(patch, meta, {'attemptedDigest': digest}, 'UPDATE_IN_PROGRESS')
        raise kopf.TemporaryError('Heat is at work', delay=POLL_SECONDS)
    found = heat.get_stack(stack.id)
    seen = {
        'resources': [
            {
                'name': each.name,
                'type': each.resource_type,
                'status': each.status,
                'physicalResourceID': each.physical_resource_id,
            }
            for each in heat.resources(stack)
        ],
        'outputs': [
            {'name': each['output_key'], 'value': str(each['output_value'])} for each in found.outputs or []
        ],
    }
    report(patch, meta, seen, found.status)
    if found.status.endswith('_IN_PROGRESS'):
        raise kopf.TemporaryError('Heat is at work', delay=POLL_SECONDS)


@kopf.on.delete(*RESOURCE)
def delete(namespace, name, spec, status, patch, meta, **_):
    if not status.get('id'):
        return
    heat = heat_of(namespace, spec)
    try:
        found = heat.get_stack(status['id'])
    except exceptions.NotFoundException:
        return
    if found.status == 'DELETE_COMPLETE':
        return
    if found.status != 'DELETE_IN_PROGRESS':
        heat.delete_stack(found)
        report(patch, meta, {}, 'DELETE_IN_PROGRESS')
    raise kopf.TemporaryError('Heat is at work', delay=POLL_SECONDS)


def report(patch, meta, seen: dict, stack_status: str) -> None:
    is_ready = stack_status.endswith('_COMPLETE')
    patch.status.update(
        {
            **seen,
            'stackStatus': stack_status,
            'observedGeneration': meta['generation'],
            'conditions': [
                {
                    'type': 'Ready',
                    'status': 'True' if is_ready else 'False',
                    'reason': 'Complete' if is_ready else 'InProgress',
                    'message': stack_status,
                    'lastTransitionTime': '2026-01-01T00:00:00Z',
                    'observedGeneration': meta['generation'],
                }
            ],
        }
    )


def digest_of(spec) -> str:
    text = json.dumps([spec['template']['inline'], dict(spec.get('parameters', {}))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def heat_of(namespace: str, spec):
    """The Heat that the object's Secret leads to. Whoever has the same Secret shares the sign-in."""
    ref = spec['cloudCredentialsRef']
    key = f'{namespace}/{ref["secretName"]}/{ref["cloudName"]}'
    if key not in connections:
        clouds = yaml.safe_load(read_secret(namespace, ref['secretName']))['clouds']
        settings = clouds[ref['cloudName']]
        connection = openstack.connect(**settings, load_yaml_config=False, load_envvars=False)
        connection.authorize()
        connections[key] = connection
    return connections[key].orchestration


def read_secret(namespace: str, name: str) -> str:
    with tempfile.NamedTemporaryFile() as ca:
        ca.write(base64.b64decode(SERVER['certificate-authority-data']))
        ca.flush()
        answer = requests.get(
            f'{SERVER["server"]}/api/v1/namespaces/{namespace}/secrets/{name}',
            headers={'Authorization': f'Bearer {TOKEN}'},
            verify=ca.name,
            timeout=30,
        )
    answer.raise_for_status()
    return base64.b64decode(answer.json()['data']['clouds.yaml']).decode()


if __name__ == '__main__':
    asyncio.run(kopf.operator(clusterwide=True, standalone=True))
