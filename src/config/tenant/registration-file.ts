import { definedOnly } from '../../defined-only.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { SecretContext } from '../parsing/tls-material.ts';
import type { SourceDefinition } from '../source/source-definition.ts';
import { loadSecret, type SourceContext } from '../source/source-secrets.ts';
import type { RegistrationFile } from './registration-schema.ts';
import type { RegistrationRules } from './tenant-definition.ts';

export interface RegistrationContext extends SecretContext {
  /** Undefined where the file does not say it rightly: nothing is compared with them then. */
  readonly tenantSources: readonly SourceDefinition[] | undefined;
}

export interface LoadedRegistration {
  readonly registration?: RegistrationRules;
  /** Paths begin at the file. */
  readonly faults: readonly PathFault[];
}

const shortestKey = 16;

/** Resolves the reference to the key, and compares with the sources of people. */
export const loadRegistration = (
  file: RegistrationFile | undefined,
  { tenantSources = [], ...secrets }: RegistrationContext,
): LoadedRegistration => {
  if (file === undefined) return { faults: [] };
  const faults: PathFault[] = [...faultsOfMode(file), ...faultsOfSources(file, tenantSources)];
  const { check: checkFile, ...rules } = file;
  const check =
    checkFile === undefined
      ? undefined
      : { url: checkFile.url, key: loadKey(checkFile.key, { ...secrets, faults }) };
  return {
    registration: { ...rules, ...definedOnly({ check }) },
    faults: faults.map((fault) => ({ ...fault, path: ['registration', ...fault.path] })),
  };
};

const faultsOfMode = ({ mode, domains }: RegistrationFile): readonly PathFault[] => {
  if (mode === 'domains' && domains.length === 0)
    return [
      {
        path: ['domains'],
        message: 'is missing, and mode is domains; name them, such as domains: [acme.example]',
      },
    ];
  if (mode !== 'domains' && domains.length > 0)
    return [
      { path: ['domains'], message: `has no effect with mode: ${mode}; remove it, or write mode: domains` },
    ];
  return [];
};

const faultsOfSources = (
  { domains }: RegistrationFile,
  sources: readonly SourceDefinition[],
): readonly PathFault[] => {
  if (sources.length > 0 && !sources.some(({ type }) => type === 'local'))
    return [
      {
        path: [],
        message:
          'needs the list of local users, and sources does not name it; add { id: local, type: local }, or remove registration',
      },
    ];
  return domains.flatMap((domain, index) => {
    const holder = sources.find((source) => source.type !== 'local' && source.domains.includes(domain));
    return holder === undefined
      ? []
      : [
          {
            path: ['domains', index],
            message: `belongs to the source ${holder.id}, where its people sign in; remove it here or there`,
          },
        ];
  });
};

const loadKey = (text: string, context: SourceContext): string => {
  const path = ['check', 'key'];
  const key = loadSecret(text, path, context) ?? '';
  if (key !== '' && key.length < shortestKey)
    context.faults.push({
      path,
      message: `is shorter than ${shortestKey} characters, and could be guessed; make one with: openssl rand -base64 32`,
    });
  return key;
};
