// The configuration: YAML and environment in; frozen typed settings out, or all faults with file, line and remedy.
//   parsing/   what every file needs: YAML, schema faults in words, durations, references to secrets, positions
//   server/    config/server.yaml, environment and flags: `loadServerSettings`
//   tenant/    one file a tenant, with its clients: `loadTenant`; checks that span several keys in tenant-rules.ts
//   source/    `sources:` of a tenant: local, LDAP, upstream, HTTP; presets of known providers; mappings
//   gateway/   `gateway:` of the server's file (services) and of a tenant's (limits, external API gateways)
// In each: `*-schema.ts` single values, `*-rules.ts` checks between keys, `*-file.ts` written form to definition,
// `*-definition.ts` the result. Here all files are checked together, for `config check` and `doctor`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  absentAdministration,
  absentTenants,
  askedOnPublicHost,
  idleLimits,
  openToAnyClient,
} from './gateway/gateway-references.ts';
import type { Fault } from './parsing/fault.ts';
import { codeOf } from './parsing/secrets.ts';
import { loadServerSettings, type ServerSettingsOptions } from './server/load-server-settings.ts';
import type { ServerSettings } from './server/server-settings.ts';
import { withoutEmailDomains } from './source/email-domain-warnings.ts';
import { withoutRecheck } from './source/recheck-warnings.ts';
import { faultsAtServer } from './tenant/faults-at-server.ts';
import type { TenantDefinition } from './tenant/tenant-definition.ts';
import { type LoadedTenant, loadTenant } from './tenant/tenant-file.ts';
import { tenantFileName, tenantIdsAmong } from './tenant/tenant-file-names.ts';

/** All faults in the configuration of a server, found before it starts. */
export interface CheckedConfig {
  /** Of the settings and the tenant files. */
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  /** Tenant files with faults that are left out of `faults`, by id. */
  readonly otherFaulty: readonly string[];
  /** Tenant files that were read, right or wrong. */
  readonly tenantCount: number;
  /** The definitions of the tenant files without faults. */
  readonly definitions: readonly TenantDefinition[];
  /** Undefined when they are at fault. */
  readonly settings: ServerSettings | undefined;
}

export interface CheckConfigOptions extends ServerSettingsOptions {
  /** The tenant whose file is reported on; default: all files. */
  readonly tenant?: string | undefined;
}

/** Checks the server's settings and every tenant file; starts and changes nothing. */
export const checkConfig = (options: CheckConfigOptions): CheckedConfig => {
  const isReported = (id: string): boolean => options.tenant === undefined || options.tenant === id;
  const server = loadServerSettings(options);
  const warnings = [...server.warnings];
  const settings = 'settings' in server ? server.settings : undefined;
  // Without settings the tenants are looked for in the default folder.
  const directory = settings?.tenants.directory ?? join(options.cwd, 'tenants');
  const faults = 'faults' in server ? [...server.faults] : [];
  const shownIn = (path: string): string =>
    relative(options.cwd, path).startsWith('..') ? path : relative(options.cwd, path);

  let names: readonly string[];
  try {
    names = readdirSync(directory).sort();
  } catch (error) {
    const message = `cannot be read (${codeOf(error)}); make the folder, or set tenants.directory to the right one`;
    faults.push({ file: shownIn(directory), path: '', message });
    return { faults, warnings, otherFaulty: [], tenantCount: 0, definitions: [], settings };
  }
  warnings.push(
    ...names
      .filter((name) => name.endsWith('.yml'))
      .map((name) => `${shownIn(join(directory, name))} is ignored; rename it to end in .yaml`),
  );
  const ids = tenantIdsAmong(names);
  if (ids.length === 0)
    warnings.push(`${shownIn(directory)} holds no tenant; make one with: npx --no drawbridge init`);
  const definitions: TenantDefinition[] = [];
  const otherFaulty: string[] = [];
  for (const id of ids) {
    const path = join(directory, tenantFileName(id));
    const loaded = checkFile(path, id, options);
    if ('definition' in loaded && settings !== undefined) {
      const unmet = faultsAtServer(loaded.definition, settings, shownIn(path));
      if (isReported(id)) faults.push(...unmet);
      else if (unmet.length > 0) otherFaulty.push(id);
    }
    if ('definition' in loaded) {
      definitions.push(loaded.definition);
      const found = [
        ...plainConnections(loaded.definition),
        ...withoutRecheck(loaded.definition.sources),
        ...withoutEmailDomains(loaded.definition),
        ...mailboxAlone(loaded.definition),
      ];
      if (isReported(id)) warnings.push(...found.map((words) => `${shownIn(path)}: ${words}`));
    } else if (isReported(id))
      faults.push(...loaded.faults.map((fault) => ({ ...fault, file: shownIn(path) })));
    else otherFaulty.push(id);
  }
  const services = settings?.gateway.services ?? [];
  if (settings !== undefined)
    for (const definition of definitions.filter(({ id }) => isReported(id))) {
      const shown = shownIn(join(directory, tenantFileName(definition.id)));
      const found = [...idleLimits(definition, services), ...openToAnyClient(definition, services)];
      warnings.push(...found.map((words) => `${shown}: ${words}`));
    }
  warnings.push(...absentTenants(services, ids));
  if (settings !== undefined) {
    warnings.push(...absentAdministration(settings.administration, ids));
    const { publicUrl } = settings.server;
    const { proxySecret } = settings.gateway;
    warnings.push(...askedOnPublicHost(services, { publicUrl, proxySecret }));
  }
  return { faults, warnings, otherFaulty, tenantCount: ids.length, definitions, settings };
};

const plainConnections = ({ sources }: TenantDefinition): readonly string[] =>
  sources
    .filter((source) => source.type === 'ldap' && source.insecure)
    .map(({ id }) => `passwords go to the source ${id} in the clear; write ldaps://… and remove insecure`);

const mailboxAlone = ({ recovery, secondFactor }: TenantDefinition): readonly string[] =>
  recovery?.password === 'mail' && secondFactor.methods.includes('email')
    ? [
        'who reads the mails of a person can reset the password (recovery.password: mail) and gets the code too (email in secondFactor.methods): together they prove the mailbox alone; remove one of them',
      ]
    : [];

const checkFile = (path: string, id: string, { env }: ServerSettingsOptions): LoadedTenant => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const message = `cannot be read (${codeOf(error)}); check its rights`;
    return { faults: [{ file: path, path: '', message }] };
  }
  return loadTenant({ id, path, text, env });
};
