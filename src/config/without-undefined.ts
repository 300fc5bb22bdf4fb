type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Optional keys are absent rather than undefined. */
export const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<T>; // fromEntries forgets the keys
