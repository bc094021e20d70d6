import { describe, expect, it } from 'vitest';
import { rawNumber } from '../json.ts';
import { type StackAttributes, stackBody } from './attributes.ts';

describe('stackBody', () => {
  it('names each attribute as Heat does, and leaves the name out', () => {
    const attributes: Required<StackAttributes> = {
      name: 'web',
      template: 'heat_template_version: 2018-08-31\n',
      templateUrl: 'https://example.com/t.yaml',
      files: { 'a.yaml': '' },
      environment: { parameters: {} },
      environmentFiles: ['a.yaml'],
      filesContainer: 'box',
      parameters: { count: rawNumber('9007199254740993'), none: null },
      tags: ['a', 'b'],
      timeoutMins: 60,
      disableRollback: false,
    };
    expect(stackBody('createStack', attributes)).toEqual({
      template: 'heat_template_version: 2018-08-31\n',
      template_url: 'https://example.com/t.yaml',
      files: { 'a.yaml': '' },
      environment: { parameters: {} },
      environment_files: ['a.yaml'],
      files_container: 'box',
      parameters: { count: rawNumber('9007199254740993'), none: null },
      tags: 'a,b',
      timeout_mins: 60,
      disable_rollback: false,
    });
  });

  it('leaves out what is undefined or null, and nothing else that is empty', () => {
    const nothing = {
      template: undefined,
      files: null,
      environment: null,
      tags: null,
      timeoutMins: undefined,
    };
    expect(stackBody('createStack', nothing)).toEqual({});
    const empty = {
      template: '',
      files: {},
      environment: '',
      parameters: {},
      timeoutMins: 0,
      templateUrl: '',
    };
    expect(stackBody('createStack', empty)).toEqual({
      template: '',
      files: {},
      environment: '',
      parameters: {},
      timeout_mins: 0,
      template_url: '',
    });
  });

  it('passes values on as they are, without a copy', () => {
    const template = { resources: {} };
    expect(stackBody('createStack', { template })['template']).toBe(template);
  });

  it.each([
    'stack_name',
    'timeout_mins',
    'Template',
    'constructor',
    'toString',
    'hasOwnProperty',
    '__proto__',
  ])('refuses the attribute %s, which Heat would ignore', (key) => {
    const attributes = JSON.parse(`{"name": "a", "${key}": null}`) as StackAttributes;
    expect(() => stackBody('updateStack', attributes)).toThrow(
      `updateStack(): unknown attribute "${key}"; it can be name, template, templateUrl, files,`,
    );
  });

  it.each<[string[], string | undefined]>([
    [[], undefined],
    [['a'], 'a'],
    [['x'.repeat(80), 'é'], `${'x'.repeat(80)},é`],
    // Heat counts characters, not what JavaScript stores of them.
    [['🚀'.repeat(80)], '🚀'.repeat(80)],
    [[' a ', '"b"'], ' a ,"b"'],
  ])('joins the tags %j', (tags, joined) => {
    expect(stackBody('createStack', { tags })['tags']).toBe(joined);
  });

  it.each([['a,b'], [''], ['x'.repeat(81)], [',']])('refuses the tag %j among others', (tag) => {
    expect(() => stackBody('patchStack', { tags: ['a', tag] })).toThrow(
      'patchStack(): a tag must have 1 to 80 characters and no comma.',
    );
  });
});
