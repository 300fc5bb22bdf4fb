import { formatFault } from '../../src/config/parsing/fault.ts';
import type { SourceDefinition } from '../../src/config/source/source-definition.ts';
import type { TenantDefinition } from '../../src/config/tenant/tenant-definition.ts';
import { type LoadedTenant, loadTenant } from '../../src/config/tenant/tenant-file.ts';

export const longSecret = 'a-secret-that-is-at-least-32-characters';

type SourceOf<Type, Source = SourceDefinition> = Source extends { readonly type: infer Known }
  ? Type extends Known
    ? Source
    : never
  : never;

/** Reads texts as the file of the tenant `acme`; `env:SECRET` is there, and the files that are given. */
export const tenantTexts = (files: Readonly<Record<string, string>> = {}) => {
  const load = (text: string): LoadedTenant =>
    loadTenant({
      id: 'acme',
      text,
      path: 'acme.yaml',
      env: { SECRET: longSecret },
      readFile: (path) => {
        const content = files[path];
        if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return Buffer.from(content);
      },
    });

  const define = (text: string): TenantDefinition => {
    const loaded = load(text);
    if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
    return loaded.definition;
  };

  /** Without file, line and column. */
  const faultsOf = (text: string): readonly string[] => {
    const loaded = load(text);
    return 'faults' in loaded ? loaded.faults.map(({ path, message }) => `${path}: ${message}`) : [];
  };

  /** One source in `sources`, written in lines. */
  const asFile = (lines: readonly string[]): string =>
    `sources:\n  -\n${lines.map((line) => `    ${line}\n`).join('')}`;

  return {
    load,
    define,
    faultsOf,
    /** The only source of a file. */
    source: <Type extends SourceDefinition['type']>(
      type: Type,
      ...lines: readonly string[]
    ): SourceOf<Type> => {
      const [source] = define(asFile(lines)).sources;
      if (source?.type !== type) throw new Error(`is ${source?.type}, not ${type}`);
      return source as SourceOf<Type>; // just looked at
    },
    /** Faults of the only source of a file; paths begin at it. */
    sourceFaults: (...lines: readonly string[]): readonly string[] =>
      faultsOf(asFile(lines)).map((fault) => fault.replace(/^sources\.0\.?/, '')),
  };
};
