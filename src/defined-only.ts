/** Keys that may be undefined become optional. */
export type DefinedOnly<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The same members without those that are undefined: optional members are absent, in memory as in the store. */
export const definedOnly = <T extends object>(members: T): DefinedOnly<T> => {
  const defined: Record<PropertyKey, unknown> = {};
  for (const key of Object.keys(members) as (keyof T)[])
    if (members[key] !== undefined) defined[key] = members[key];
  return defined as DefinedOnly<T>; // its members are those of `members`
};
