// A person may be in hundreds of groups, and servers refuse a request whose headers are too large (431): what a service
// gets has a size, and a list that does not fit is cut and marked. The rules have judged the whole caller before.
import { matchingNames } from '../../protocol/name-pattern.ts';
import type { Caller } from '../gateway-types.ts';

/** The caller as a service gets to know them. */
export interface PresentedCaller extends Caller {
  readonly areGroupsCut?: boolean;
  readonly areRolesCut?: boolean;
}

/** Number of names that were passed on, of how many. */
export interface IdentityCut {
  readonly groups?: string;
  readonly roles?: string;
}

export interface PresentationLimits {
  /** Patterns of the groups that the service gets; undefined: all. */
  readonly groups: readonly string[] | undefined;
  readonly maxBytes: number;
  /** Bytes of the headers about this caller. */
  readonly sizeOf: (caller: PresentedCaller) => number;
}

export interface Presentation {
  readonly presented: PresentedCaller | undefined;
  readonly cut?: IdentityCut;
}

export const presentCaller = (
  caller: Caller | undefined,
  { groups: patterns, maxBytes, sizeOf }: PresentationLimits,
): Presentation => {
  if (caller === undefined) return { presented: undefined };
  const chosen = patterns === undefined ? caller.groups : matchingNames(caller.groups, patterns);
  const all = patterns === undefined ? caller : { ...caller, groups: chosen };
  if (sizeOf(all) <= maxBytes) return { presented: all };
  const { name: _, ...nameless } = all;
  // a source may have a name of any length
  const whole = sizeOf({ ...all, groups: [], roles: [] }) <= maxBytes ? all : nameless;

  // roles are few and say more: they are cut only if they alone do not fit
  const withRoles = (count: number): PresentedCaller => ({
    ...whole,
    groups: [],
    areGroupsCut: chosen.length > 0,
    roles: whole.roles.slice(0, count),
    ...(count < whole.roles.length ? { areRolesCut: true } : {}),
  });
  const fits = (candidate: PresentedCaller): boolean => sizeOf(candidate) <= maxBytes;
  const roleCount = mostThatFit(whole.roles.length, (count) => fits(withRoles(count)));
  const base = withRoles(roleCount);
  const groupCount = mostThatFit(chosen.length, (count) => fits({ ...base, groups: chosen.slice(0, count) }));
  return {
    presented: {
      ...base,
      groups: chosen.slice(0, groupCount),
      areGroupsCut: groupCount < chosen.length,
    },
    cut: {
      ...(groupCount < chosen.length ? { groups: `${groupCount} of ${chosen.length}` } : {}),
      ...(roleCount < whole.roles.length ? { roles: `${roleCount} of ${whole.roles.length}` } : {}),
    },
  };
};

/** The greatest count up to `limit` that fits; 0 if none does. */
const mostThatFit = (limit: number, fits: (count: number) => boolean): number => {
  let fitting = 0;
  let tooMany = limit + 1;
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if (fits(middle)) fitting = middle;
    else tooMany = middle;
  }
  return fitting;
};
