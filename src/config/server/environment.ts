import { findNearest } from '../parsing/nearest.ts';
import { readSecretFile, type SecretSources } from '../parsing/secrets.ts';
import type { Setting } from './settings-table.ts';

/** The settings that the environment gives. */
export interface EnvironmentLayer {
  /** Setting's name to text and the variable that gave it. */
  readonly values: ReadonlyMap<string, { readonly text: string; readonly variable: string }>;
  readonly warnings: readonly string[];
  readonly faults: readonly { readonly variable: string; readonly message: string }[];
}

/** Names the file of settings. */
export const configVariable = 'DRAWBRIDGE_CONFIG';

const prefix = 'DRAWBRIDGE_';

/** Kubernetes sets such variables in each pod when a service is called drawbridge. They are never settings. */
const serviceLink =
  /^DRAWBRIDGE(?:_[A-Z0-9]+)*_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)\w*)?)$/;

/** Reads `DRAWBRIDGE_SECTION__KEY` and `…_FILE`. Empty counts as unset. */
export const readEnvironment = (settings: readonly Setting[], sources: SecretSources): EnvironmentLayer => {
  const values = new Map<string, { text: string; variable: string }>();
  const warnings: string[] = [];
  const faults: { variable: string; message: string }[] = [];
  for (const { name, env: variable, alias } of settings) {
    const text = sources.env[variable] ?? '';
    const path = sources.env[`${variable}_FILE`] ?? '';
    if (text !== '' && path !== '') {
      faults.push({
        variable: `${variable}_FILE`,
        message: `is set together with ${variable}; unset one of them`,
      });
    } else if (name === 'server.port' && text.startsWith('tcp://')) {
      warnings.push(
        `${variable} holds a tcp:// address, as Kubernetes' service links do, and is ignored. Set enableServiceLinks: false on the pod.`,
      );
    } else if (text !== '') {
      values.set(name, { text, variable });
    } else if (path !== '') {
      const read = readSecretFile(path, sources.readFile);
      if (read.ok) values.set(name, { text: read.value, variable: `${variable}_FILE` });
      else faults.push({ variable: `${variable}_FILE`, message: read.message });
    }
    const other = alias === undefined ? '' : (sources.env[alias] ?? '');
    if (alias === undefined || other === '') continue;
    const given = values.get(name);
    if (given === undefined) values.set(name, { text: other, variable: alias });
    else if (given.text !== other)
      faults.push({
        variable: alias,
        message: `contradicts ${given.variable}, which says the same thing; unset one of them`,
      });
  }
  return { values, warnings: [...warnings, ...unknownNames(settings, sources.env)], faults };
};

const unknownNames = (settings: readonly Setting[], env: SecretSources['env']): readonly string[] => {
  const names = [configVariable, ...settings.map((setting) => setting.env)];
  const known = new Set([...names, ...names.map((name) => `${name}_FILE`)]);
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && env[name] !== '' && !known.has(name))
    .filter((name) => name.includes('__') || !serviceLink.test(name))
    .sort()
    .map((name) => {
      // Compared without the common prefix, which would make any two names similar.
      const nearest = findNearest(
        name.slice(prefix.length),
        [...known].map((other) => other.slice(prefix.length)),
      );
      const hint = nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
      return `${name} is not a setting and is ignored${hint}`;
    });
};
