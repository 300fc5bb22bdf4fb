// Makes a profile of a source's attributes: the built-in mapping of the kind, the steps of the tenant, the bounds.
import type { SourceDefinition } from '../../config/source/source-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Profile, SourcePerson } from '../connector.ts';
import { builtIn } from './built-in.ts';
import { isTakenAsSaid, type Mapped, resultOf, runStep } from './given-names.ts';
import { emailFault, toProfile } from './profile.ts';
import { compileStep } from './steps.ts';
import type { Values } from './values.ts';

export interface MappedPerson {
  readonly profile: Profile;
  /** One entry for the built-in mapping, one for each step of the tenant's. */
  readonly trace: readonly MappingTraceStep[];
  /** Why the address of the source was left out: a sentence without its subject. */
  readonly emailFault?: string;
}

export interface MappingTraceStep {
  /** `built-in mapping`, `rename mail to email` … */
  readonly step: string;
  /** The lists that the step changed. */
  readonly changes: readonly MappingChange[];
}

export interface MappingChange {
  readonly name: string;
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
}

export type Mapping = (person: SourcePerson) => MappedPerson;

/** Compiles the patterns once. Pure, and the same for every kind of source. */
export const createMapping = (source: SourceDefinition): Mapping => {
  const steps = source.mapping.map((step) => ({ step, compiled: compileStep(step, source.type === 'ldap') }));
  const named = source.mapping.flatMap((step) =>
    step.step === 'rename' ? [step.to] : step.step === 'default' ? [step.of] : [],
  );
  return (person) => {
    let mapped: Mapped = { values: builtIn(source, person), given: new Map() };
    let values = resultOf(mapped, source);
    const trace = [{ step: 'built-in mapping', changes: changesBetween(new Map(), values) }];
    for (const { step, compiled } of steps) {
      mapped = isTakenAsSaid(source)
        ? { ...mapped, values: compiled.run(mapped.values) }
        : runStep(mapped, compiled, step);
      const next = resultOf(mapped, source);
      trace.push({ step: compiled.words, changes: changesBetween(values, next) });
      values = next;
    }
    return {
      profile: toProfile(values, { subject: person.subject, named }),
      trace,
      ...definedOnly({ emailFault: emailFault(values) }),
    };
  };
};

export const mapPerson = (source: SourceDefinition, person: SourcePerson): MappedPerson =>
  createMapping(source)(person);

const changesBetween = (before: Values, after: Values): readonly MappingChange[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => !isSame(before.get(name), after.get(name)))
    .map((name) => ({ name, before: before.get(name) ?? [], after: after.get(name) ?? [] }));

const isSame = (one: readonly unknown[] = [], other: readonly unknown[] = []): boolean =>
  one === other || (one.length === other.length && one.every((value, index) => value === other[index]));
