import { RE2JS } from 're2js';
import type { MappingStep } from '../../config/source/source-definition.ts';
import { valueAt } from './json-pointer.ts';
import { findName, listOf, type Values, withValues } from './values.ts';

/** Length that patterns are applied to; a longer value matches no pattern, and is left out in the end. */
export const longestValue = 1000;

export interface CompiledStep {
  /** The name of the step in the trace: `rename mail to email`. */
  readonly words: string;
  readonly run: (values: Values) => Values;
}

/** Patterns were compiled when the file was read; every pattern of RE2 takes a time in proportion to the value. */
export const compileStep = (step: MappingStep, isCaseIgnored: boolean): CompiledStep => {
  const nameIn = (values: Values, name: string): string => findName(values, name, isCaseIgnored) ?? name;
  const listIn = (values: Values, name: string): readonly unknown[] => values.get(nameIn(values, name)) ?? [];

  switch (step.step) {
    case 'rename':
      return {
        words: `rename ${step.from} to ${step.to}`,
        run: (values) => rename(values, { ...step, from: nameIn(values, step.from) }),
      };
    case 'prefix':
      return {
        words: `prefix ${step.of} with ${step.prefix}`,
        run: (values) =>
          withValues(
            values,
            nameIn(values, step.of),
            listIn(values, step.of).map(onText((text) => step.prefix + text)),
          ),
      };
    case 'regex': {
      const pattern = RE2JS.compile(step.pattern);
      const rewrite = onText((text) =>
        text.length <= longestValue ? pattern.matcher(text).replaceAll(step.replace) : text,
      );
      return {
        words: `rewrite ${step.of} by ${step.pattern}`,
        run: (values) => withValues(values, nameIn(values, step.of), listIn(values, step.of).map(rewrite)),
      };
    }
    case 'drop': {
      const matches = matcherOf(step);
      return {
        words: step.pattern === undefined ? `drop ${step.of}` : `drop ${step.of} by ${step.pattern}`,
        run: (values) =>
          withValues(
            values,
            nameIn(values, step.of),
            listIn(values, step.of).filter((value) => !matches(value)),
          ),
      };
    }
    case 'role': {
      const matches = matcherOf(step);
      return {
        words: `role ${step.role} for ${step.of} ${step.equals ?? step.pattern ?? ''}`.trim(),
        run: (values) =>
          listIn(values, step.of).some(matches)
            ? withValues(values, 'roles', [...(values.get('roles') ?? []), step.role])
            : values,
      };
    }
    case 'default':
      return {
        words: `default of ${step.of}`,
        run: (values) =>
          listIn(values, step.of).length > 0
            ? values
            : withValues(values, nameIn(values, step.of), listOf(step.value)),
      };
  }
};

/** A renamed attribute is moved; a value that a pointer reads is copied. */
const rename = (values: Values, { from, to }: { readonly from: string; readonly to: string }): Values => {
  if (from.startsWith('/') && !values.has(from)) {
    const [, first = ''] = from.split('/');
    const name = first.replaceAll('~1', '/').replaceAll('~0', '~');
    const rest = from.slice(first.length + 1);
    const found = (values.get(name) ?? []).flatMap((value) => listOf(valueAt(value, rest)));
    return found.length === 0 ? values : replace(values, to, found);
  }
  const list = values.get(from);
  return list === undefined || from === to ? values : replace(withValues(values, from, []), to, list);
};

/** `email_verified` of the source is about its own `email`, and about no other address. */
const replace = (values: Values, to: string, list: readonly unknown[]): Values => {
  const isOtherAddress = to === 'email' && values.has('email') && values.has('email_verified');
  return withValues(isOtherAddress ? withValues(values, 'email_verified', [false]) : values, to, list);
};

const onText =
  (change: (text: string) => string) =>
  (value: unknown): unknown =>
    typeof value === 'string' ? change(value) : value;

const matcherOf = (wanted: {
  readonly equals?: string;
  readonly pattern?: string;
}): ((value: unknown) => boolean) => {
  const pattern = wanted.pattern === undefined ? undefined : RE2JS.compile(wanted.pattern);
  return (value) => {
    if (wanted.equals === undefined && pattern === undefined) return true;
    if (typeof value !== 'string' || value.length > longestValue) return false;
    return value === wanted.equals || pattern?.matcher(value).find() === true;
  };
};
