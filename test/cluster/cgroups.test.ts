import { expect, test } from 'vitest';
import { hierarchiesIn } from './cgroups.ts';

const ROOT = '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw';

test('finds the hierarchies of version 1 with the one of version 2 beside them, and nothing else', () => {
  const mountinfo = [
    ROOT,
    '30 22 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    '',
  ].join('\n');
  expect(hierarchiesIn(mountinfo)).toEqual([
    '/sys/fs/cgroup/cpu,cpuacct',
    '/sys/fs/cgroup/memory',
    '/sys/fs/cgroup/unified',
  ]);
});

test('where version 2 has everything, takes it once, however often it is mounted', () => {
  const mountinfo = [
    ROOT,
    '30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot',
    '31 22 0:26 / /run/cilium/cgroupv2 rw,relatime shared:10 - cgroup2 none rw',
  ].join('\n');
  expect(hierarchiesIn(mountinfo)).toEqual(['/sys/fs/cgroup']);
});

test('finds none where there is none', () => {
  expect(hierarchiesIn(ROOT)).toEqual([]);
});
