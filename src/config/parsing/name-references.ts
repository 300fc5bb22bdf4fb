import type { FaultPath, PathFault } from './fault.ts';
import { findNearest } from './nearest.ts';

/** Reports a name that an entry above has already. */
export const unique = (names: readonly string[], index: number, key: string): readonly PathFault[] =>
  names.indexOf(names[index] ?? '') === index
    ? []
    : [{ path: [key], message: 'was given above; choose another, or remove one of the two' }];

/** Reports a name that no entry of the file has; undefined `known` means that not all names can be known. */
export const reference = (
  path: FaultPath,
  name: string | undefined,
  known: ReadonlySet<string> | undefined,
): readonly PathFault[] =>
  name === undefined || known === undefined || known.has(name)
    ? []
    : [{ path, message: `names nothing in this file${hint(name, [...known])}` }];

export const hint = (name: string, known: readonly string[]): string => {
  const nearest = findNearest(name, known);
  if (nearest !== undefined) return `; did you mean ${nearest}?`;
  return known.length === 0 ? '; remove it' : `; write one of ${known.join(', ')}`;
};
