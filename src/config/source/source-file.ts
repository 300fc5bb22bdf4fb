import { definedOnly } from '../../defined-only.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { SecretContext } from '../parsing/tls-material.ts';
import { loadLogo } from '../tenant/logo.ts';
import { loadLdap } from './ldap-source-file.ts';
import type { MappingFile } from './mapping-schema.ts';
import type { LocalSource, MappingStep, SourceDefinition } from './source-definition.ts';
import type { HttpSourceFile } from './source-schema.ts';
import { loadSecret, loadTls, type SourceContext } from './source-secrets.ts';
import { loadUpstream } from './upstream-source-file.ts';
import type { FullSource, WrittenSource } from './written-sources.ts';

export interface SourcesContext extends SecretContext {
  /** The tenant's file; paths of pictures are relative to its folder. */
  readonly tenantPath: string;
}

export interface LoadedSources {
  readonly sources: readonly SourceDefinition[];
  readonly faults: readonly PathFault[];
}

/** The source of a file without `sources`. */
export const localList: LocalSource = {
  id: 'local',
  type: 'local',
  displayName: 'Local account',
  domains: [],
  trustedEmailDomains: [],
  mapping: [],
  adopt: 'off',
  recheckSeconds: 300,
  degradedSeconds: 1800,
  revealLock: false,
};

/** Resolves references to secrets and files, and fills in defaults. Paths begin at the file. */
export const loadSources = (written: readonly WrittenSource[], context: SourcesContext): LoadedSources => {
  if (written.length === 0) return { sources: [localList], faults: [] };
  const faults: PathFault[] = [];
  const sources = written.map(({ source, path, file }) => {
    const own: PathFault[] = [];
    const loaded = {
      ...loadSource(source, { ...context, faults: own }),
      ...definedOnly({ logo: logoOf(source, { ...context, faults: own }) }),
      ...(file !== undefined && 'preset' in file ? { preset: file.preset } : {}),
    };
    faults.push(...own.map((fault) => ({ ...fault, path: [...path, ...fault.path] })));
    return loaded;
  });
  return { sources, faults };
};

const logoOf = (
  file: FullSource,
  { tenantPath, sources, faults }: SourcesContext & SourceContext,
): string | undefined => {
  if (!('logo' in file) || file.logo === undefined) return undefined;
  const logo = loadLogo(file.logo, tenantPath, sources.readFile);
  if (logo.ok) return logo.value;
  faults.push({ path: ['logo'], message: logo.message });
  return undefined;
};

const loadSource = (file: FullSource, context: SourceContext): SourceDefinition => {
  switch (file.type) {
    case 'local':
      return {
        ...localList,
        ...commonOf(file),
        type: 'local',
        displayName: file.displayName ?? 'Local account',
        ...(file.revealDisabled ? { revealDisabled: true } : {}),
      };
    case 'ldap':
      return { ...remoteOf(file), ...loadLdap(file, context) };
    case 'http':
      return loadHttp(file, context);
    default:
      return { ...remoteOf(file), ...loadUpstream(file, context) };
  }
};

const commonOf = (file: FullSource) => ({
  id: file.id,
  displayName: file.displayName ?? file.id,
  domains: file.domains,
  ...definedOnly({ clients: file.clients }),
  trustedEmailDomains: file.trustedEmailDomains,
});

const remoteOf = (file: Exclude<FullSource, { type: 'local' }>) => ({
  ...commonOf(file),
  mapping: file.mapping.map(toStep),
  adopt:
    file.adopt === 'takeover' ? ('takeover' as const) : file.adopt ? ('keep' as const) : ('off' as const),
  recheckSeconds: file.recheck,
  degradedSeconds: file.degraded.sessions,
  revealLock: file.revealLock,
  ...('trustRoles' in file ? definedOnly({ trustRoles: file.trustRoles }) : {}),
});

const toStep = (step: MappingFile[number]): MappingStep => {
  if ('rename' in step) return { step: 'rename', from: step.rename, to: step.to };
  if ('prefix' in step) return { step: 'prefix', of: step.prefix, prefix: step.with };
  if ('regex' in step) return { step: 'regex', of: step.regex, pattern: step.pattern, replace: step.replace };
  if ('drop' in step) return { step: 'drop', of: step.drop, ...definedOnly({ pattern: step.pattern }) };
  if ('default' in step) return { step: 'default', of: step.default, value: step.value };
  return {
    step: 'role',
    role: step.role,
    of: step.of,
    ...definedOnly({ equals: step.equals, pattern: step.pattern }),
  };
};

const loadHttp = (file: HttpSourceFile, context: SourceContext): SourceDefinition => {
  const secret = file.secret === undefined ? undefined : loadSecret(file.secret, ['secret'], context);
  return {
    ...remoteOf(file),
    type: 'http',
    url: file.url,
    ...definedOnly({ secret }),
    tls: loadTls(file.tls, context),
    requestTimeoutMs: file.timeout,
  };
};
