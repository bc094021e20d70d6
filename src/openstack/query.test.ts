import { describe, expect, it } from 'vitest';
import { eventSearch, resourceSearch, type StackQuery, stackSearch } from './query.ts';

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
  ])('writes %j', (query, search) => {
    expect(stackSearch(query).toString()).toBe(search);
  });

  it('repeats a single id beside tags, which Heat would look for among the ids of tags', () => {
    expect(stackSearch({ tags: ['a'], id: 'x' }).getAll('id')).toEqual(['x', 'x']);
  });

  it.each(['name', 'status', 'action', 'username', 'ownerId'])('refuses tags together with %s', (key) => {
    expect(() => stackSearch({ tags: ['a'], [key]: 'x' })).toThrow(`by tags and ${key} at once`);
  });

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
});

describe('eventSearch', () => {
  it('writes what Heat knows', () => {
    expect(eventSearch({ name: 'web', status: 'FAILED', limit: 1 }).toString()).toBe(
      'resource_name=web&resource_status=FAILED&limit=1',
    );
  });
});
