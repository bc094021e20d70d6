import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { TAGS } from '../api/constants.ts';
import { canonicalJson } from '../json.ts';

/** What a stack is to an object: its own, its own by adoption, or one that it only observes. */
export type Tie = 'own' | 'adopted' | 'observed';

/** What proves that a stack id in an object's status was written by this operator. */
export interface OwnershipClaim {
  /** The HeatStack's uid. */
  uid: string;
  /** The stack's UUID. */
  stackId: string;
  /** The OpenStack project that holds it, with region and endpoint: an id means nothing in another cloud. */
  projectID: string;
  region: string;
  endpoint: string;
}

/** How a digest begins that doesn't cover the object. */
export const FORMER_DIGEST = 'h1:';
const DIGEST = 'h2:';

/** The digest of no inputs: of a stack that is only observed. */
export const NO_INPUTS = '';

/** Whether a digest of inputs has the form that this version makes. */
export function isNewestDigest(digest: string | undefined): digest is string {
  return digest?.startsWith(DIGEST) ?? false;
}

/** Whether a digest of inputs has a form that this version makes or made. */
export function isKnownDigest(digest: string | undefined): digest is string {
  return [DIGEST, FORMER_DIGEST].some((form) => digest?.startsWith(form));
}

/** Within a tag's 80 characters: the form and 128 bits. */
const TAGGED = 35;

/**
 * The tag of the inputs with a digest. Heat keeps it with the update that wins, when several are sent at once (Heat 27 stores
 * the tags after it took the update), and doesn't roll it back.
 */
export function digestTag(digest: string): string {
  return TAGS.digest + digest.slice(0, TAGGED);
}

/** Whether a stack has the tag of other inputs than those with a digest. */
export function isTaggedOtherwise({ tags }: { tags: readonly string[] }, digest: string): boolean {
  return tags.some((tag) => tag.startsWith(TAGS.digest) && tag !== digestTag(digest));
}

const TIES: Record<Tie, { prefix: string; purpose: string }> = {
  own: { prefix: 'h1:', purpose: 'ownership' },
  adopted: { prefix: 'a1:', purpose: 'adoption' },
  observed: { prefix: 'o1:', purpose: 'observation' },
};

/** What a proof claims that a stack is to the object. */
export function claimedTie(proof: string | undefined): Tie | undefined {
  if (proof?.startsWith(TIES.own.prefix)) return 'own';
  if (proof?.startsWith(TIES.adopted.prefix)) return 'adopted';
  return proof?.startsWith(TIES.observed.prefix) ? 'observed' : undefined;
}

/**
 * Digests under the operator's key. With a plain hash, who can read an object's status or a stack's environment
 * could try values of a secret parameter until the hash fits. For the same reason equal inputs of two objects have
 * digests that differ: else the operator itself would tell which guess fits.
 */
export class Digester {
  readonly #key: Buffer;

  /** @param key at least 32 random bytes, kept in a Secret of the operator's namespace. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * The digest of a stack's effective inputs: `h2:` + HMAC-SHA-256 of their canonical JSON, in hex.
   *
   * @param object `namespace/name` of the HeatStack; not its uid, which a restore changes
   */
  inputs(object: string, inputs: unknown): string {
    return `${DIGEST}${this.#hmac('inputs', canonicalJson([object, inputs])).toString('hex')}`;
  }

  /** The digest of inputs as it was before {@link inputs}: statuses and stacks of then have it. */
  formerInputs(inputs: unknown): string {
    return `${FORMER_DIGEST}${this.#hmac('inputs', canonicalJson(inputs)).toString('hex')}`;
  }

  /** The text of `status.outputsDigest`; see {@link inputs}. */
  outputs(object: string, content: unknown): string {
    return `h1:${this.#hmac('outputs', canonicalJson([object, content])).toString('hex')}`;
  }

  /** The text of `status.ownership`: that of a stack that is only observed counts for no ownership. */
  proof(claim: OwnershipClaim, tie: Tie): string {
    const { prefix, purpose } = TIES[tie];
    return `${prefix}${this.#hmac(purpose, this.#text(claim)).toString('hex')}`;
  }

  /** What the stack is to the object, if `proof` is the {@link proof} of this claim. */
  tie(claim: OwnershipClaim, proof: string | undefined): Tie | undefined {
    const tie = claimedTie(proof);
    if (!proof || !tie) return undefined;
    const expected = Buffer.from(this.proof(claim, tie));
    const given = Buffer.from(proof);
    return expected.length === given.length && timingSafeEqual(expected, given) ? tie : undefined;
  }

  #text({ uid, stackId, projectID, region, endpoint }: OwnershipClaim): string {
    return canonicalJson([uid, stackId, projectID, region, endpoint]);
  }

  #hmac(purpose: string, text: string): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}\0`).update(text).digest();
  }
}

const MAX_TAG_LENGTH = 80; // Heat 27: 81 characters are refused

/**
 * The two tags that every stack of the operator carries. A name that doesn't fit into a tag's 80 characters is
 * replaced by its SHA-256.
 */
export function ownerTags(clusterID: string, object: { namespace: string; name: string }): [string, string] {
  return [asTag(TAGS.cluster, clusterID), asTag(TAGS.object, `${object.namespace}/${object.name}`)];
}

/** The {@link ownerTags} of the object with the key `namespace/name`. */
export function ownerTagsOf(clusterID: string, key: string): [string, string] {
  const slash = key.indexOf('/');
  return ownerTags(clusterID, { namespace: key.slice(0, slash), name: key.slice(slash + 1) });
}

function asTag(prefix: string, value: string): string {
  const tag = prefix + value;
  // A comma separates tags on the wire.
  if (tag.length <= MAX_TAG_LENGTH && !tag.includes(',')) return tag;
  return prefix + createHash('sha256').update(value).digest('base64url');
}
