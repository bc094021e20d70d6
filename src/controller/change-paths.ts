import type { ResourceChange } from '../openstack/index.ts';

/** Heat's own limit is 5, unless its operator changed it. A cloud may claim any. */
const MAX_NESTING = 10;
/** What Heat puts at the end of a nested stack's name. */
const SHORT_ID = /-[a-z2-7]{12}(?=-|$)/g;

/**
 * Where each resource of a preview is: names from the outermost in.
 *
 * Heat lists them flat, and tells of each the name of the stack that holds it and of that stack's resource in the outer
 * one. Only what is there already links to its stack by id. A nested stack is called `<outer>-<resource>-<12 letters
 * and digits>`, and as it would be `<outer>-<resource>`; a preview holds both (Heat 27).
 *
 * @param root the name of the outermost stack
 */
export function pathsOf(
  root: string,
  changes: readonly ResourceChange[],
): Map<ResourceChange, readonly string[]> {
  const owners = new Map<string, ResourceChange>();
  const members = new Map<string, ResourceChange>();
  for (const change of changes) {
    if (change.nestedStack) owners.set(change.nestedStack.id, change);
    if (change.stackName) members.set(change.stackName, change);
  }
  /** Paths of nested stacks, by the name that they would have. */
  const known = new Map<string, readonly string[]>();
  const found = new Map<string, readonly string[]>();

  const inStack = (member: ResourceChange, depth: number): readonly string[] => {
    const { stackName = root, stack, parentResource } = member;
    if (stackName === root || parentResource === undefined || depth > MAX_NESTING) return [];
    const key = `${stack?.id} ${stackName}`;
    const before = found.get(key);
    if (before) return before;
    const owner = owners.get(stack?.id ?? '');
    const path =
      owner && owner !== member ? pathOf(owner, depth + 1) : byName(stackName, parentResource, depth);
    found.set(key, path);
    return path;
  };

  const byName = (name: string, parent: string, depth: number): readonly string[] => {
    const outer = withoutEnd(name, parent);
    if (outer === undefined) return [parent];
    if (outer === root) return [parent];
    const plain = root + outer.slice(root.length).replaceAll(SHORT_ID, '');
    const path = known.get(outer) ?? known.get(plain);
    if (path) return [...path, parent];
    const member = members.get(outer) ?? members.get(plain);
    if (member) return [...inStack(member, depth + 1), parent];
    // Nothing of the stack between is listed, as in the preview of a create.
    return plain.startsWith(`${root}-`) ? [plain.slice(root.length + 1), parent] : [parent];
  };

  const pathOf = (change: ResourceChange, depth = 0): readonly string[] => [
    ...inStack(change, depth),
    change.name,
  ];

  for (const owner of owners.values()) {
    const path = pathOf(owner);
    known.set([root, ...path].join('-'), path);
  }
  return new Map(changes.map((change) => [change, pathOf(change)]));
}

/** The name of the outer stack; `undefined` when Heat shortened the name. */
function withoutEnd(name: string, parent: string): string | undefined {
  for (const start of [name, name.replace(/-[a-z2-7]{12}$/, '')]) {
    if (start.endsWith(`-${parent}`)) return start.slice(0, -parent.length - 1);
  }
  return undefined;
}
