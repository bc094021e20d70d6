/** An object type whose members that could be undefined are optional instead. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** A copy without the members that are undefined, as `exactOptionalPropertyTypes` wants it. */
export function defined<T extends object>(members: T): Defined<T> {
  const copy: Partial<T> = {};
  // A loop, since there is a copy for each row of a list. All objects that come here are literals of ours.
  for (const key in members) if (members[key] !== undefined) copy[key] = members[key];
  return copy as unknown as Defined<T>;
}
