import type { Condition, HeatStack } from '../../src/api/heat-stack.ts';
import type { Style } from './screen.ts';

/** A line of the table: a HeatStack, or a resource of its stack. */
export interface Row {
  /** Unique in the table: the object's name, and the resource's path. */
  path: string;
  /** The name with the branches of the tree before it. */
  label: string;
  type: string;
  /** State in Heat's words, such as CREATE_COMPLETE; empty when there is none yet. */
  state: string;
  /** Only of a HeatStack: status of its condition Ready, and its complete resources, such as 3/4. */
  stack?: { ready: string; resources: string };
}

interface Node {
  name: string;
  type: string;
  state: string;
  children: Map<string, Node>;
}

/** The rows of some HeatStacks: each followed by the tree of its resources. */
export function toRows(stacks: readonly HeatStack[]): Row[] {
  return stacks.flatMap((stack) => {
    const { name } = stack.metadata;
    const { stackStatus = '', resources = [], resourceSummary } = stack.status;
    const root: Node = { name, type: 'HeatStack', state: stackStatus, children: new Map() };
    for (const resource of resources) {
      const names = (resource.path ?? resource.name).split('/');
      let node = root;
      for (const part of names) {
        let child = node.children.get(part);
        if (!child) {
          child = { name: part, type: '', state: '', children: new Map() };
          node.children.set(part, child);
        }
        node = child;
      }
      node.type = resource.type;
      node.state = resource.status;
    }
    const ready = isCurrent(stack) ? (readyOf(stack)?.status ?? 'Unknown') : 'Unknown';
    return [
      {
        path: name,
        label: name,
        type: root.type,
        state: root.state,
        stack: { ready, resources: resourceSummary?.text ?? '' },
      },
      ...toBranches(root, name, ''),
    ];
  });
}

function toBranches(parent: Node, parentPath: string, indent: string): Row[] {
  const children = [...parent.children.values()];
  return children.flatMap((child, index) => {
    const last = index === children.length - 1;
    const path = `${parentPath}/${child.name}`;
    return [
      { path, label: `${indent}${last ? '└ ' : '├ '}${child.name}`, type: child.type, state: child.state },
      ...toBranches(child, path, `${indent}${last ? '  ' : '│ '}`),
    ];
  });
}

const HEADER = ['NAME', 'TYPE', 'STATUS', 'READY', 'RESOURCES'];
const GAP = '  ';
/** As wide as the longest state of a run, so that the columns don't jump. */
const STATE_WIDTH = 'CREATE_IN_PROGRESS'.length;

/** Of lines that are written one by one, when it can't be known what comes. */
const PATH_WIDTH = 'web/database/password'.length;
const TYPE_WIDTH = 'OS::Heat::ResourceGroup'.length;

/** The table with aligned columns. */
export function drawTable(
  rows: readonly Row[],
  spinner: string,
  style: (style: Style, text: string) => string,
): string[] {
  const widths = [
    Math.max(...[HEADER[0] ?? '', ...rows.map(({ label }) => label)].map((text) => text.length)),
    Math.max(...[HEADER[1] ?? '', ...rows.map(({ type }) => type)].map((text) => text.length)),
    STATE_WIDTH + 2,
    'Unknown'.length,
  ];
  const align = (cells: string[]): string[] => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0));
  const lines = rows.map(({ label, type, state, stack }) => {
    const mark = state.endsWith('_IN_PROGRESS') ? spinner : markOf(state);
    const [name = '', kind = '', status = '', ready = '', resources = ''] = align([
      label,
      type,
      `${mark} ${state}`,
      stack?.ready ?? '',
      stack?.resources ?? '',
    ]);
    return [
      stack ? style('bold', name) : name,
      style('dim', kind),
      style(styleOf(state), status),
      style(stack?.ready === 'True' ? 'green' : 'yellow', ready),
      resources,
    ]
      .join(GAP)
      .trimEnd();
  });
  return [style('dim', align(HEADER).join(GAP)), ...lines];
}

/** One line for each row that is new, changed or gone since `before`, for outputs that can't redraw. */
export function describeChanges(before: readonly Row[], now: readonly Row[]): string[] {
  const known = new Map(before.map((row) => [row.path, row]));
  const here = new Set(now.map(({ path }) => path));
  const changed = now.filter((row) => {
    const old = known.get(row.path);
    return old?.state !== row.state || old.stack?.ready !== row.stack?.ready;
  });
  return [
    ...changed.map(({ path, type, state, stack }) => {
      const cells = [path.padEnd(PATH_WIDTH), type.padEnd(TYPE_WIDTH), (state || '-').padEnd(STATE_WIDTH)];
      if (stack) cells.push(`Ready=${stack.ready}${stack.resources && ` ${stack.resources}`}`);
      return cells.join(GAP).trimEnd();
    }),
    ...before
      .filter(({ path }) => !here.has(path))
      .map(({ path, type }) => [path.padEnd(PATH_WIDTH), type.padEnd(TYPE_WIDTH), 'gone'].join(GAP)),
  ];
}

/** Whether the operator has looked at the newest generation of the object and finds it Ready. */
export function isReady(stack: HeatStack): boolean {
  return isCurrent(stack) && readyOf(stack)?.status === 'True';
}

/** The condition Ready of an object. */
export function readyOf({ status }: HeatStack): Condition | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

function isCurrent({ metadata, status }: HeatStack): boolean {
  return status.observedGeneration === metadata.generation;
}

function markOf(state: string): string {
  if (state.startsWith('INIT_')) return '·'; // Heat knows the resource and has not begun with it
  if (state.endsWith('_COMPLETE')) return '✓';
  return state.endsWith('_FAILED') ? '✗' : '·';
}

function styleOf(state: string): Style {
  switch (markOf(state)) {
    case '✓':
      return 'green';
    case '✗':
      return 'red';
    default:
      return state.endsWith('_IN_PROGRESS') ? 'yellow' : 'dim';
  }
}
