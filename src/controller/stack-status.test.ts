import { describe, expect, test } from 'vitest';
import type { HeatStackStatus } from '../api/heat-stack.ts';
import { rawNumber } from '../json.ts';
import type { Output, Stack } from '../openstack/index.ts';
import { Scrubber } from './scrubber.ts';
import { cloudFields, fitReport, reportOutputs, stackFields, statusFingerprint } from './stack-status.ts';

const scrubber = new Scrubber(['a-very-secret-value']);

const STACK: Stack = {
  id: 'id-1',
  name: 'web',
  status: 'CREATE_FAILED',
  statusReason: 'Property: a-very-secret-value',
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-02T00:00:00Z',
  tags: ['x'],
  links: [],
};

describe('the fields of a stack', () => {
  test('are taken over, without secrets', () => {
    expect(stackFields(STACK, scrubber)).toEqual({
      id: 'id-1',
      stackName: 'web',
      stackStatus: 'CREATE_FAILED',
      stackStatusReason: 'Property: [redacted]',
      createdAt: '2026-01-01T00:00:00Z',
      updatedAt: '2026-01-02T00:00:00Z',
    });
  });

  test('that Heat does not tell are not there', () => {
    const { createdAt: _, updatedAt: __, ...bare } = STACK;
    expect(Object.keys(stackFields({ ...bare, statusReason: '' }, scrubber))).toEqual([
      'id',
      'stackName',
      'stackStatus',
    ]);
  });

  test('of a cloud are those that the schema knows', () => {
    const cloud = { authURL: 'a', endpoint: 'e', region: 'r', projectID: 'p', projectName: 'n' };
    expect(cloudFields({ ...cloud, projectDomainID: 'd', projectDomainName: 'dn' })).toEqual(cloud);
  });
});

describe('outputs', () => {
  const outputs: Output[] = [
    { key: 'url', description: 'Where it is', value: 'https://web' },
    { key: 'count', description: 'No description given', value: rawNumber('9007199254740993') },
    { key: 'broken', description: 'a-very-secret-value', error: 'no attribute of a-very-secret-value' },
  ];

  test('are listed without values, sorted by name', () => {
    expect(reportOutputs(outputs, undefined, scrubber)).toEqual([
      { name: 'broken', description: '[redacted]', error: 'no attribute of [redacted]' },
      { name: 'count' },
      { name: 'url', description: 'Where it is' },
    ]);
  });

  test('show the values that are asked for', () => {
    expect(reportOutputs(outputs, { inStatus: ['url', 'nosuch'] }, scrubber)[2]).toMatchObject({
      value: 'https://web',
    });
    const all = reportOutputs(outputs, { inStatus: ['*'] }, scrubber);
    expect(JSON.stringify(all[1])).toBe('{"name":"count","value":9007199254740993}');
    expect(all[0]).not.toHaveProperty('value');
  });

  test.each([0, false, '', [], {}])('show %j as well', (value) => {
    expect(reportOutputs([{ key: 'a', value }], { inStatus: ['a'] }, scrubber)).toEqual([
      { name: 'a', value },
    ]);
  });

  test('with a number that the API server refuses are told of, since it would refuse the whole status', () => {
    const outputs = [
      { key: 'digits', value: rawNumber('7'.repeat(400)) },
      { key: 'exponent', value: { a: [rawNumber('1e999')] } },
      { key: 'fits', value: rawNumber('9007199254740993') },
    ];
    const error = 'the value has a number that no object can hold';
    expect(reportOutputs(outputs, { inStatus: ['*'] }, scrubber)).toEqual([
      { name: 'digits', error },
      { name: 'exponent', error },
      { name: 'fits', value: outputs[2]?.value },
    ]);
  });

  test('of more than 4 KiB are told of, not shown', () => {
    const [fits] = reportOutputs([{ key: 'a', value: 'x'.repeat(4094) }], { inStatus: ['a'] }, scrubber);
    expect(fits).toHaveProperty('value');
    const [large] = reportOutputs([{ key: 'a', value: 'é'.repeat(2048) }], { inStatus: ['a'] }, scrubber);
    expect(large).toEqual({ name: 'a', error: expect.stringContaining('the value has 4098 bytes') });
  });

  test('never fill the object', () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({
      key: `k${i}`,
      description: 'd'.repeat(5000),
      value: 'v'.repeat(4000),
    }));
    const shown = reportOutputs(many, { inStatus: ['*'] }, scrubber);
    expect(shown).toHaveLength(256);
    expect(Buffer.byteLength(JSON.stringify(shown))).toBeLessThan(300 * 1024);
    expect(shown.at(-1)?.error).toContain('the status holds at most');
  });
});

describe('a report', () => {
  const summary = { total: 0, complete: 0, inProgress: 0, failed: 0, text: '' };
  const row = (i: number, bytes: number) => ({
    name: `r${i}`,
    type: 'T',
    status: 'S',
    statusReason: 'x'.repeat(bytes),
  });

  test('that fits stays as it is', () => {
    const report = { resources: [row(1, 10)], resourceSummary: summary, resourcesTruncated: false };
    expect(fitReport(report)).toEqual(report);
  });

  test('that is too large loses rows, never its counts', () => {
    const resources = Array.from({ length: 2000 }, (_, i) => row(i, 1000));
    const fitted = fitReport({ resources, resourceSummary: summary, resourcesTruncated: false });
    expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThan(720 * 1024);
    expect(fitted.resources.length).toBeGreaterThan(300);
    expect(fitted).toMatchObject({ resourceSummary: summary, resourcesTruncated: true });
  });

  test('leaves room for a large spec, and keeps some rows beside any', () => {
    const resources = Array.from({ length: 2000 }, (_, i) => row(i, 1000));
    const report = { resources, resourceSummary: summary, resourcesTruncated: false };
    const fitted = fitReport(report, 900 * 1024);
    const bytes = Buffer.byteLength(JSON.stringify(fitted.resources));
    expect(bytes).toBeLessThanOrEqual(100 * 1024);
    expect(bytes).toBeGreaterThan(50 * 1024);
    expect(fitted).toMatchObject({ resourceSummary: summary, resourcesTruncated: true });
    expect(fitReport(report, 1400 * 1024).resources.length).toBeGreaterThan(10);
    expect(fitReport(report, 100 * 1024)).toEqual(fitReport(report));
  });

  test('loses a row that is too large alone, and not those after it', () => {
    const resources = [row(1, 10), { ...row(2, 800 * 1024), status: 'CREATE_FAILED' }, row(3, 10)];
    const fitted = fitReport({ resources, resourceSummary: summary, resourcesTruncated: false });
    expect(fitted.resources.map(({ name }) => name)).toEqual(['r1', 'r3']);
    expect(fitted.resourcesTruncated).toBe(true);
  });

  test('loses those last that failed', () => {
    const resources = Array.from({ length: 2000 }, (_, i) => ({
      ...row(i + 1000, 1000),
      status: i === 1999 ? 'CREATE_FAILED' : 'CREATE_COMPLETE',
    }));
    const fitted = fitReport({ resources, resourceSummary: summary, resourcesTruncated: false });
    expect(fitted.resources.at(0)?.name).toBe('r1000');
    expect(fitted.resources.at(-1)?.name).toBe('r2999');
  });
});

describe('the fingerprint', () => {
  const status: HeatStackStatus = { observedGeneration: 1, id: 'a', lastSyncTime: '2026-01-01T00:00:00Z' };

  test('is the same for another order and another time of the look', () => {
    const { id, observedGeneration } = status;
    expect(statusFingerprint({ lastSyncTime: 'later', id: id ?? '', observedGeneration })).toBe(
      statusFingerprint(status),
    );
  });

  test('is another one for anything else', () => {
    expect(statusFingerprint({ ...status, id: 'b' })).not.toBe(statusFingerprint(status));
    expect(statusFingerprint({ ...status, conditions: [] })).not.toBe(statusFingerprint(status));
  });
});
