import type { Command } from 'commander';
import { type ApiKeys, createApiKeys, type KeyMade, type NewKey } from '../accounts/api-keys/api-keys.ts';
import { createKeySecrets } from '../accounts/api-keys/key-secrets.ts';
import { apiKeyPurpose } from '../accounts/api-keys/keys-of-tenant.ts';
import { faultOfNames, namesForKeys } from '../accounts/api-keys/known-names.ts';
import { publicKey } from '../accounts/api-keys/public-key.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock as clock } from '../clock.ts';
import { parseDurationMs } from '../config/parsing/quantities.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { shownPublicId } from '../crypto/api-key.ts';
import { definedOnly } from '../defined-only.ts';
import type { ApiKeyRecord } from '../storage/storage-api-keys.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { inPages } from './in-pages.ts';
import { collect, openUsers, requireAccount } from './open-users.ts';
import { openRevocations } from './revocations.ts';
import { requireDefinition } from './tenant-directory.ts';
import { type StoreParts, withKeyedStore } from './with-store.ts';

interface CreateOptions {
  readonly note?: string;
  readonly expires?: string;
  readonly role: readonly string[];
  readonly scope: readonly string[];
  readonly service: readonly string[];
  readonly resource: readonly string[];
  readonly network: readonly string[];
}

export const addApiKey = (program: Command): void => {
  const apiKey = program.command('api-key').description('API keys of system users and people');
  apiKey
    .command('create <tenant> <login>')
    .description('make a key of this user; it is shown once')
    .option('--note <text>', 'what it is for')
    .option('--expires <duration>', 'such as 90d; never: of system users, where the tenant allows it')
    .option('--role <name>', 'only this role of the user; may be repeated', collect, [])
    .option('--scope <name>', 'a scope; may be repeated', collect, [])
    .option('--service <name>', 'only for this service behind the gateway; may be repeated', collect, [])
    .option('--resource <identifier>', 'only for this resource; may be repeated', collect, [])
    .option('--network <block>', 'only from there, such as 10.0.0.0/8; may be repeated', collect, [])
    .action((tenant: string, login: string, options: CreateOptions, command: Command) =>
      create(contextOf(command), { tenant, login, options }),
    );
  apiKey
    .command('list <tenant>')
    .description('the keys of a tenant, or of one user')
    .option('--user <login>', 'of this user: user name, e-mail address or sub')
    .option('--expiring <duration>', 'only those that expire within this time, such as 30d; the next first')
    .action((tenant: string, options: ListOptions, command: Command) =>
      list(contextOf(command), { tenant, options }),
    );
  apiKey
    .command('rotate <tenant> <id>')
    .description('a new key; the old one is still accepted for a while')
    .option('--overlap <duration>', 'how long, such as 2d; at most as long as the tenant has it')
    .action((tenant: string, id: string, { overlap }: { readonly overlap?: string }, command: Command) =>
      withKeys(contextOf(command), tenant, async (keys) => {
        const seconds = overlap === undefined ? undefined : secondsOf(overlap, '--overlap');
        show(contextOf(command), await keys.rotate(id, { actor: 'cli' }, seconds));
      }),
    );
  apiKey
    .command('reassign <tenant> <id>')
    .description('a new key in place of the old one, which is refused at once')
    .action((tenant: string, id: string, _: unknown, command: Command) =>
      withKeys(contextOf(command), tenant, async (keys) => {
        show(contextOf(command), await keys.reassign(id, { actor: 'cli' }));
      }),
    );
  apiKey
    .command('revoke <tenant> <id>')
    .description('refuse a key from now on, and remove it')
    .action((tenant: string, id: string, _: unknown, command: Command) =>
      withKeys(contextOf(command), tenant, async (keys) => {
        const revoked = await keys.revoke(id, { actor: 'cli' });
        if (revoked === undefined)
          throw new CommandFailure(
            `There is no key ${id} in ${tenant}. \`drawbridge api-key list ${tenant}\` shows all.`,
          );
        contextOf(command).printResult(publicKey(revoked), () => [`The key ${id} was revoked.`]);
      }),
    );
};

const create = (
  context: CliContext,
  { tenant, login, options }: { tenant: string; login: string; options: CreateOptions },
): Promise<void> =>
  withKeys(context, tenant, async (keys, { definition, ...parts }) => {
    const owner = await requireAccount(openUsers(parts, tenant), { tenant, login });
    const wanted = wantedBy(options);
    const fault = faultOfNames(wanted, namesForKeys(definition, parts.settings.gateway.services));
    if (fault !== undefined) throw new CommandFailure(fault);
    show(context, await keys.create(owner, wanted, { actor: 'cli' }));
  });

const wantedBy = ({ note, expires, ...limits }: CreateOptions): NewKey => {
  const { role: roles, scope: scopes, service: services, resource: resources, network: networks } = limits;
  const secondsOrNever = (written: string): number | 'never' =>
    written === 'never' ? written : secondsOf(written, '--expires');
  const lifetimeSeconds = expires === undefined ? undefined : secondsOrNever(expires);
  return {
    ...Object.fromEntries(
      Object.entries({ roles, scopes, services, resources, networks }).filter(([, some]) => some.length > 0),
    ),
    ...definedOnly({ note, lifetimeSeconds }),
  };
};

const secondsOf = (duration: string, option: string): number => {
  const ms = parseDurationMs(duration);
  if (ms === undefined)
    throw new CommandFailure(
      `${option} is not a duration; write a number with a unit, such as 12h or 90d`,
      exitCodes.usage,
    );
  return Math.floor(ms / 1000);
};

/** The key alone on its line, so that it can be copied. */
const show = (context: CliContext, made: KeyMade): void => {
  if (!made.ok) throw new CommandFailure(made.message);
  const { key, secret } = made;
  context.printResult({ ...publicKey(key), secret }, () => [
    secret,
    `This is the key ${key.id}; it is shown once. Expires: ${formatTime(key.expiresAt)}.`,
  ]);
};

interface ListOptions {
  readonly user?: string;
  readonly expiring?: string;
}

const list = (
  context: CliContext,
  { tenant, options }: { readonly tenant: string; readonly options: ListOptions },
): Promise<void> =>
  withKeys(context, tenant, async (keys, parts) => {
    const users = openUsers(parts, tenant);
    const { user, expiring } = options;
    const sub = user === undefined ? undefined : (await requireAccount(users, { tenant, login: user })).sub;
    const found: { readonly key: ApiKeyRecord; readonly owner: string }[] = [];
    const names = new Map<string, string | undefined>();
    const each =
      expiring === undefined ? eachKey(keys, sub) : eachExpiring(keys, secondsOf(expiring, '--expiring'));
    for await (const key of each) {
      if (sub !== undefined && key.sub !== sub) continue;
      if (!names.has(key.sub)) names.set(key.sub, (await users.find(key.sub))?.username);
      found.push({ key, owner: names.get(key.sub) ?? key.sub });
    }
    context.printResult(
      found.map(({ key, owner }) => ({ ...publicKey(key), owner })),
      () => (found.length === 0 ? [`There are no such keys in ${tenant}.`] : tableOf(found)),
    );
  });

const tableOf = (found: readonly { readonly key: ApiKeyRecord; readonly owner: string }[]) =>
  columns([
    ['ID', 'KEY', 'USER', 'NOTE', 'LIMITS', 'CREATED', 'EXPIRES', 'LAST USED', 'FROM'],
    ...found.map(({ key, owner }) => [
      key.id,
      key.secrets.map(({ publicId }) => shownPublicId(publicId)).join(' '),
      owner,
      key.note ?? '-',
      limitsOf(key),
      formatTime(key.createdAt),
      formatTime(key.expiresAt),
      formatTime(key.lastUsedAt),
      key.lastUsedFrom ?? '-',
    ]),
  ]);

/** By the names of the options that set them. */
const limitsOf = ({ roles, scopes, services, resources, networks }: ApiKeyRecord): string => {
  const limits = Object.entries({
    role: roles,
    scope: scopes,
    service: services,
    resource: resources,
    network: networks,
  }).flatMap(([name, some]) => (some === undefined ? [] : [`${name} ${some.join(', ') || 'none'}`]));
  return limits.join('; ') || '-';
};

const limit = 200;

const eachKey = (keys: ApiKeys, sub: string | undefined): AsyncIterable<ApiKeyRecord> =>
  inPages(limit, (last?: ApiKeyRecord) => keys.list({ limit, ...definedOnly({ sub, afterId: last?.id }) }));

const eachExpiring = (keys: ApiKeys, seconds: number): AsyncIterable<ApiKeyRecord> => {
  const beforeMs = clock.now() + seconds * 1000;
  return inPages(limit, (last?: ApiKeyRecord) => {
    const after = last === undefined ? undefined : { expiresAt: last.expiresAt ?? 0, id: last.id };
    return keys.expiring({ beforeMs, limit, ...definedOnly({ after }) });
  });
};

interface KeysParts extends StoreParts {
  readonly definition: TenantDefinition;
}

const withKeys = async (
  context: CliContext,
  tenant: string,
  use: (keys: ApiKeys, parts: KeysParts) => Promise<void>,
): Promise<void> => {
  const { settings } = requireSettings(context);
  const definition = requireDefinition(settings, { id: tenant, env: context.env });
  await withKeyedStore(context, async (parts) => {
    const { storage, masterKey, log } = parts;
    const own = storage.forTenant(tenant);
    const keys = createApiKeys({
      rules: definition.apiKeys,
      records: own.apiKeys,
      secrets: createKeySecrets(tenant, masterKey.derive(apiKeyPurpose)),
      revocations: openRevocations(parts, tenant),
      audit: createAudit({ records: own.audit, log: log.child({ tenant }), clock }),
      clock,
    });
    await use(keys, { ...parts, definition });
  });
};
