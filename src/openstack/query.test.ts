import { describe, expect, it } from 'vitest';
import {
  type EventQuery,
  eventSearch,
  type ResourceQuery,
  resourceSearch,
  type StackQuery,
  stackSearch,
} from './query.ts';

describe('stackSearch', () => {
  it.each<[StackQuery, string]>([
    [{}, ''],
    [{ name: 'web', status: ['COMPLETE', 'FAILED'] }, 'name=web&status=COMPLETE&status=FAILED'],
    [
      { id: ['a', 'b'], action: 'CREATE', username: 'u', ownerId: 'o' },
      'id=a&id=b&action=CREATE&username=u&owner_id=o',
    ],
    [{ tags: ['heatstack.dev/a=b', 'é'] }, 'tags=heatstack.dev%2Fa%3Db%2C%C3%A9'],
    [{ anyTags: ['a', 'b'], status: 'FAILED' }, 'tags_any=a%2Cb&status=FAILED'],
    [{ notTags: ['a'], notAnyTags: ['b'], name: 'x' }, 'not_tags=a&not_tags_any=b&name=x'],
    [
      { showDeleted: true, showNested: false, showHidden: true },
      'show_deleted=true&show_nested=false&show_hidden=true',
    ],
    [
      { sortKeys: ['updated_time'], sortDir: 'desc', limit: 3, marker: 'm' },
      'sort_keys=updated_time&sort_dir=desc&limit=3&marker=m',
    ],
    [{ tags: ['a'], id: ['x', 'y'] }, 'tags=a&id=x&id=y'],
    [{ globalTenant: true, projectId: ['p', 'q'] }, 'global_tenant=true&tenant=p&tenant=q'],
    [{ maxItems: 5, signal: new AbortController().signal, name: 'a&b=c' }, 'name=a%26b%3Dc'],
    [{ sortKeys: ['stack_name', 'creation_time'] }, 'sort_keys=stack_name&sort_keys=creation_time'],
  ])('writes %j', (query, search) => {
    expect(stackSearch(query).toString()).toBe(search);
  });

  it('repeats a single id beside tags, which Heat would look for among the ids of tags', () => {
    expect(stackSearch({ tags: ['a'], id: 'x' }).getAll('id')).toEqual(['x', 'x']);
  });

  it.each(['name', 'status', 'action', 'username', 'ownerId', 'projectId'])(
    'refuses tags together with %s',
    (key) => {
      expect(() => stackSearch({ tags: ['a'], [key]: 'x' })).toThrow(`by tags and ${key} at once`);
    },
  );

  it.each<[object, RegExp]>([
    [{ stack_name: 'a' }, /unknown key "stack_name"; it can be limit, /],
    [{ constructor: 'a' }, /unknown key "constructor"/],
    [{ tags: 'ab' }, /tags must be a list/],
    [{ tags: ['a,b'] }, /tags must be a list of tags without commas/],
    [{ tags: [] }, /tags is empty/],
    [{ id: [] }, /id is empty/],
    [{ id: '' }, /id must be/],
    [{ limit: -1 }, /limit must be/],
    [{ limit: '5' }, /limit must be/],
    [{ limit: 1.5 }, /limit must be a whole number of 0 or more/],
    [{ limit: Number.POSITIVE_INFINITY }, /limit must be/],
    [{ maxItems: 0 }, /stacks\(\): maxItems must be a whole number above 0/],
    [{ maxItems: -1 }, /maxItems must be/],
    [{ maxItems: 1.5 }, /maxItems must be/],
    [{ maxItems: '5' }, /maxItems must be/],
    [{ maxItems: Number.NaN }, /maxItems must be/],
    [{ marker: ['a'] }, /marker must be text/],
    [{ sortKeys: 'stack_name' }, /sortKeys must be a list of texts/],
    [{ sortDir: ['asc'] }, /sortDir must be text/],
    [{ projectId: [] }, /projectId is empty/],
    [{ name: ['a', ''] }, /name must be text or a list of texts/],
    [{ name: { a: 1 } }, /name must be/],
    [{ anyTags: ['a', 7] }, /anyTags must be a list of tags/],
    [JSON.parse('{"__proto__": "a"}') as object, /unknown key "__proto__"/],
    [{ showDeleted: 'yes' }, /showDeleted must be true or false/],
  ])('refuses %j', (query, message) => {
    expect(() => stackSearch(query as StackQuery)).toThrow(message);
  });
});

describe('resourceSearch', () => {
  it('writes what Heat knows, and refuses the paging it does not', () => {
    const signal = new AbortController().signal;
    expect(
      resourceSearch({ nestedDepth: 2, type: 'OS::Heat::Value', name: ['a', 'b'], signal }).toString(),
    ).toBe('nested_depth=2&type=OS%3A%3AHeat%3A%3AValue&name=a&name=b');
    expect(() => resourceSearch({ limit: 5 } as object)).toThrow(/resources\(\): unknown key "limit"/);
  });

  it.each<[ResourceQuery, string]>([
    [
      { withDetail: true, physicalResourceId: ['p', 'q'] },
      'with_detail=true&physical_resource_id=p&physical_resource_id=q',
    ],
    [{ id: '7', status: ['FAILED'], action: 'CREATE' }, 'id=7&status=FAILED&action=CREATE'],
    [{ nestedDepth: 0 }, 'nested_depth=0'],
  ])('writes %j', (query, search) => {
    expect(resourceSearch(query).toString()).toBe(search);
  });
});

describe('eventSearch', () => {
  it('writes what Heat knows', () => {
    expect(eventSearch({ name: 'web', status: 'FAILED', limit: 1 }).toString()).toBe(
      'resource_name=web&resource_status=FAILED&limit=1',
    );
  });

  it.each<[EventQuery, string]>([
    [
      { marker: 'm', sortDir: 'asc', sortKeys: ['event_time', 'resource_type'] },
      'marker=m&sort_dir=asc&sort_keys=event_time&sort_keys=resource_type',
    ],
    [
      { nestedDepth: 2, action: ['CREATE', 'UPDATE'], type: 'OS::Heat::Value' },
      'nested_depth=2&resource_action=CREATE&resource_action=UPDATE&resource_type=OS%3A%3AHeat%3A%3AValue',
    ],
    [{ maxItems: 1 }, ''],
  ])('writes %j', (query, search) => {
    expect(eventSearch(query).toString()).toBe(search);
  });

  it.each<[object, RegExp]>([
    [{ resourceName: 'a' }, /events\(\): unknown key "resourceName"; it can be limit, /],
    [{ maxItems: 0 }, /events\(\): maxItems must be/],
    [{ nestedDepth: -1 }, /nestedDepth must be/],
  ])('refuses %j', (query, message) => {
    expect(() => eventSearch(query)).toThrow(message);
  });
});
