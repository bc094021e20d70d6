"""openstacksdk as a client of the benchmark; see measure.ts for what its output means.

client.py AUTH_URL WORKLOAD
"""

import itertools
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openstack
from openstack.orchestration.v1.stack import Stack

WANTED = 'CREATE_COMPLETE'


def main() -> None:
    auth_url, workload = sys.argv[1], json.loads(sys.argv[2])
    connection = openstack.connect(
        auth={
            'auth_url': auth_url,
            'username': 'demo',
            'password': 'secret',
            'user_domain_name': 'Default',
            'project_name': str(workload['stacks']),
            'project_domain_name': 'Default',
        },
        region_name='RegionOne',
        load_yaml_config=False,
        load_envvars=False,
    )
    connection.authorize()
    heat = connection.orchestration

    print('idle', flush=True)
    sys.stdin.readline()
    run(heat, workload, workload['warmUp'])
    cpu, wall = cpu_ms(), time.perf_counter()
    read = run(heat, workload, workload['count'])
    print(
        json.dumps(
            {
                'read': read,
                'cpuMs': cpu_ms() - cpu,
                'wallMs': (time.perf_counter() - wall) * 1000,
                'totalCpuMs': cpu_ms(),
            }
        ),
        flush=True,
    )


def run(heat, workload: dict, count: int) -> int:
    """Make `count` calls, or read as many rows, and tell how many things in the wanted state came."""
    if workload['kind'] == 'list':
        rows = itertools.islice(heat.stacks(limit=workload['pageSize']), count)
        return sum(stack.status == WANTED for stack in rows)
    stack = Stack.existing(id=workload['id'], name=workload['name'])

    def get(_: int) -> int:
        return int(heat.get_stack(workload['id']).status == WANTED)

    def resources(_: int) -> int:
        return sum(each.status == WANTED for each in heat.resources(stack))

    call = get if workload['kind'] == 'get' else resources
    if workload['concurrency'] == 1:
        return sum(map(call, range(count)))
    with ThreadPoolExecutor(workload['concurrency']) as threads:
        return sum(threads.map(call, range(count)))


def cpu_ms() -> float:
    """CPU time of this process in user and system mode, in milliseconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


main()
