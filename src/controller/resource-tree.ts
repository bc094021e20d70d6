import { clip } from '../api/clip.ts';
import type { ResourceFailure, ResourceStatus, ResourceSummary } from '../api/heat-stack.ts';
import { STATUS_LIMITS } from '../api/limits.ts';
import type { Resource } from '../openstack/index.ts';
import type { Scrubber } from './scrubber.ts';
import { parseState } from './stack-state.ts';

/** What an object's status shows of the resources. */
export interface ResourceReport {
  resources: ResourceStatus[];
  resourceSummary: ResourceSummary;
  resourcesTruncated: boolean;
}

/** A resource with its place in the tree of nested stacks. */
export interface PlacedResource {
  resource: Resource;
  /** Names from the root stack's resource down. A text of them is only made of what is shown. */
  names: readonly string[];
  /** 0 for a resource of the root stack. */
  depth: number;
  /** A nested stack's resource that has failed members of its own. */
  hasFailedChild: boolean;
}

/** What is shown instead of an id that can't be. */
export const HIDDEN_ID = '[redacted]';
const MAX_FAILURES = 10;
/** Heat's own limit is 5, unless its operator changed it. A cloud may claim any. */
const MAX_NESTING = 10;

/**
 * Puts resources of a stack and its nested stacks into a tree. Heat lists them flat; each links to the stack that
 * holds it and, if it is one, to its own nested stack.
 */
export function placeResources(resources: readonly Resource[]): PlacedResource[] {
  const ownerOf = new Map<string, Resource>();
  for (const resource of resources) {
    if (resource.nestedStack) ownerOf.set(resource.nestedStack.id, resource);
  }
  const withFailedChild = new Set<Resource>();
  const placed = resources.map((resource) => {
    const names = [resource.name];
    const seen = new Set<Resource>([resource]);
    let parent = ownerOf.get(resource.stack?.id ?? '');
    while (parent && !seen.has(parent) && names.length <= MAX_NESTING) {
      if (isFailed(resource)) withFailedChild.add(parent);
      seen.add(parent);
      names.unshift(parent.name);
      parent = ownerOf.get(parent.stack?.id ?? '');
    }
    return { resource, names, depth: names.length - 1 };
  });
  return placed.map((place) => ({ ...place, hasFailedChild: withFailedChild.has(place.resource) }));
}

/**
 * The resources as the status shows them: at most `maxItems`, the failed ones first when some must be left out.
 */
export function reportResources(
  placed: readonly PlacedResource[],
  maxItems: number,
  scrubber: Scrubber,
): ResourceReport {
  // Sorted before the cut as well: Heat's order changes from call to call.
  const sorted = placed.toSorted(comparePlaces);
  const first = sorted.toSorted((a, b) => Number(isFailed(b.resource)) - Number(isFailed(a.resource)));
  const chosen = new Set(first.slice(0, maxItems));
  const shown = sorted.filter((place) => chosen.has(place));
  return {
    resources: shown.map(({ resource, names, depth }) => ({
      name: resource.name,
      type: clip(resource.type, STATUS_LIMITS.type),
      ...physicalResourceID(resource, scrubber),
      status: resource.status,
      // "state changed" is what Heat says of every resource that is well.
      ...(resource.statusReason && resource.statusReason !== 'state changed'
        ? { statusReason: scrubber.clean(resource.statusReason) }
        : {}),
      ...(resource.requiredBy.length > 0
        ? { requiredBy: [...resource.requiredBy].sort().slice(0, STATUS_LIMITS.requiredBy) }
        : {}),
      ...(resource.updatedAt ? { updatedAt: resource.updatedAt } : {}),
      ...(depth > 0 ? { path: pathOf(names) } : {}),
    })),
    resourceSummary: summarise(placed),
    resourcesTruncated: placed.length > shown.length,
  };
}

/** The leaf causes of a failure: failed resources that no failed resource inside them explains. */
export function findFailures(placed: readonly PlacedResource[], scrubber: Scrubber): ResourceFailure[] {
  return (
    placed
      .filter(({ resource, hasFailedChild }) => isFailed(resource) && !hasFailedChild)
      // Of several failures Heat reports others as a consequence; the earliest comes nearest to the cause.
      .sort(
        (a, b) =>
          Number(isConsequence(a.resource)) - Number(isConsequence(b.resource)) ||
          compareTimes(a.resource, b.resource) ||
          comparePlaces(a, b),
      )
      .slice(0, MAX_FAILURES)
      .map(({ resource, names }) => ({
        path: pathOf(names),
        type: clip(resource.type, STATUS_LIMITS.type),
        ...physicalResourceID(resource, scrubber),
        reason: clip(scrubber.clean(resource.statusReason ?? 'Heat gives no reason'), STATUS_LIMITS.text),
      }))
  );
}

/** That of a key pair or a container is the name that a property gave it. */
function physicalResourceID(resource: Resource, scrubber: Scrubber): { physicalResourceID?: string } {
  const { physicalId } = resource;
  if (!physicalId) return {};
  const shown = isHeatsOwnId(resource) ? physicalId : scrubber.clean(physicalId, HIDDEN_ID);
  return { physicalResourceID: clip(shown, STATUS_LIMITS.physicalResourceID) };
}

/**
 * Whether the id of what was made can come from no input: a UUID, or the name that Heat makes of names that are shown
 * (`<stack>-<resource>-<12 letters and digits>`). Most are, and cleaning thousands of them takes long.
 */
export function isHeatsOwnId({ physicalId = '', name, stack }: Resource): boolean {
  if (UUID.test(physicalId)) return true;
  const prefix = `${stack?.name}-${name}-`;
  return (
    stack !== undefined && physicalId.startsWith(prefix) && SHORT_ID.test(physicalId.slice(prefix.length))
  );
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const SHORT_ID = /^[a-z2-7]{12}$/;

/** Heat fails a resource that was in progress when another one ended the operation. */
function isConsequence(resource: Resource): boolean {
  return /aborted|cancelled|Timed out/i.test(resource.statusReason ?? '');
}

function compareTimes(a: Resource, b: Resource): number {
  const [left = '', right = ''] = [a.updatedAt, b.updatedAt];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The order of the list that the status shows: what is in a stack comes after it. */
function comparePlaces(a: PlacedResource, b: PlacedResource): number {
  for (const [level, name] of a.names.entries()) {
    const other = b.names[level];
    if (other === undefined) return 1;
    if (name !== other) return name < other ? -1 : 1;
  }
  return a.names.length - b.names.length;
}

function pathOf(names: readonly string[]): string {
  return clip(names.join('/'), STATUS_LIMITS.path);
}

function summarise(placed: readonly PlacedResource[]): ResourceSummary {
  const summary = { total: placed.length, complete: 0, inProgress: 0, failed: 0 };
  for (const { resource } of placed) {
    const { status } = parseState(resource.status);
    if (status === 'IN_PROGRESS') summary.inProgress += 1;
    else if (status === 'FAILED') summary.failed += 1;
    // INIT_COMPLETE only says that Heat knows the resource, not that it made it.
    else if (status === 'COMPLETE' && !resource.status.startsWith('INIT_')) summary.complete += 1;
  }
  return { ...summary, text: `${summary.complete}/${summary.total}` };
}

function isFailed(resource: Resource): boolean {
  return parseState(resource.status).status === 'FAILED';
}
