// Groups and roles of a mapping. What a redirect source or a legacy system says by itself is apart from what the tenant's
// file gives: its roles count for nothing until a step gives them, and its groups carry the name of the source.
import type { MappingStep, SourceDefinition } from '../../config/source/source-definition.ts';
import type { CompiledStep } from './steps.ts';
import { type Values, withValues } from './values.ts';

/** Lists of a person in the middle of a mapping. */
export interface Mapped {
  /** `groups` and `roles` in it are the source's own word. */
  readonly values: Values;
  /** `groups` and `roles` alone: what counts as it stands. */
  readonly given: Values;
}

const names = ['groups', 'roles'] as const;
const isProtected = (name: string): boolean => (names as readonly string[]).includes(name);

/** A directory's groups are the operator's choice in its file, and it says no roles. */
export const isTakenAsSaid = (source: SourceDefinition): boolean =>
  source.type === 'ldap' || source.type === 'local' || source.trustRoles === true;

/** The values of the profile: roles that were given, groups that were given or that carry the name of the source. */
export const resultOf = ({ values, given }: Mapped, source: SourceDefinition): Values => {
  if (isTakenAsSaid(source)) return values;
  const own = (values.get('groups') ?? []).filter((group) => typeof group === 'string');
  const groups = source.type === 'http' ? own : own.map((group) => `${source.id}:${group}`);
  const all = [...(given.get('groups') ?? []), ...groups];
  return withValues(withValues(values, 'roles', given.get('roles') ?? []), 'groups', all);
};

/** One step of the tenant's file. Steps read what the source says beside what earlier steps gave. */
export const runStep = (mapped: Mapped, { run }: Pick<CompiledStep, 'run'>, step: MappingStep): Mapped => {
  const { values, given } = mapped;
  const plain = (): Mapped => ({ values: run(values), given });
  const all = names.reduce(
    (lists, name) => withValues(lists, name, [...(given.get(name) ?? []), ...(values.get(name) ?? [])]),
    values,
  );
  switch (step.step) {
    case 'role':
      return run(all) === all ? mapped : { values, given: add(given, 'roles', [step.role]) };
    case 'rename': {
      if (!isProtected(step.to)) return plain();
      const next = run(values);
      if (next === values && step.from !== step.to) return mapped;
      return give({ values: next, given }, step.to, next.get(step.to) ?? []);
    }
    case 'prefix':
      return isProtected(step.of) ? give(mapped, step.of, run(all).get(step.of) ?? []) : plain();
    case 'default': {
      if (!isProtected(step.of)) return plain();
      // roles that count for nothing are none
      const held = step.of === 'roles' ? given : all;
      const next = run(held);
      return next === held ? mapped : give(mapped, step.of, next.get(step.of) ?? []);
    }
    case 'regex':
    case 'drop':
      return isProtected(step.of) ? { values: run(values), given: run(given) } : plain();
  }
};

/** The list counts from now on, and the source's own word is used up. */
const give = ({ values, given }: Mapped, name: string, list: readonly unknown[]): Mapped => ({
  values: withValues(values, name, []),
  given: withValues(given, name, list),
});

const add = (given: Values, name: string, list: readonly unknown[]): Values =>
  withValues(given, name, [...(given.get(name) ?? []), ...list]);
