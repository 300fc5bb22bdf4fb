import { type Command, Option } from 'commander';
import { createDevices } from '../accounts/devices.ts';
import { browserName } from '../accounts/session-origin.ts';
import { type SignInEntry, type SignInKind, signInKinds } from '../accounts/sign-ins/sign-in-entry.ts';
import { mostSignIns, type SignIns } from '../accounts/sign-ins/sign-ins.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import { authorizationsOf } from '../oidc/adapter/artifact-payload.ts';
import { createPersonSignIns } from '../tenants/person-sign-ins.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { count } from './count.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { requireAccount, withUsers } from './open-users.ts';
import { openRevocations } from './revocations.ts';
import type { StoreParts } from './with-store.ts';

interface SessionOptions {
  readonly kind?: SignInKind;
  readonly limit?: string;
  readonly cursor?: string;
  readonly end?: string;
  readonly endAll?: boolean;
  readonly withKeys?: boolean;
}

export const addUserSessions = (user: Command): void => {
  user
    .command('sessions <tenant> <login>')
    .description('what a person is signed in by: sessions, apps, devices, keys; or end one, or all')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(signInKinds))
    .option('--limit <number>', `at most so many, up to ${mostSignIns}`)
    .option('--cursor <cursor>', 'the next ones, as the page before said')
    .option('--end <id>', 'end this one, with all tokens that it has')
    .option('--end-all', 'end all sessions, tokens and devices of this person')
    .option('--with-keys', 'with --end-all: revoke the API keys too')
    .action((tenant: string, login: string, options: SessionOptions, command: Command) =>
      sessions(contextOf(command), { tenant, login, options }),
    );
};

interface Person {
  readonly sub: string;
  readonly username: string;
}

const by = { actor: 'cli' };

const sessions = (
  context: CliContext,
  { tenant, login, options }: { tenant: string; login: string; options: SessionOptions },
): Promise<void> =>
  withUsers(context, tenant, async (users, parts) => {
    const { end, endAll = false, withKeys = false } = options;
    if (end !== undefined && endAll) throw usageFailure('Write --end or --end-all, not both.');
    if (withKeys && !endAll) throw usageFailure('--with-keys is for --end-all.');
    const limit = readLimit(options.limit);
    const person = await requireAccount(users, { tenant, login });
    const { sub, username } = person;
    const signIns = openSignIns(parts, tenant);
    if (endAll) {
      const ended = await signIns.endAll(sub, by, { keys: withKeys });
      context.printResult({ sub, ended: ended.sessions, keys: ended.keys }, () => [
        `${count(ended.sessions, 'session')} of ${username} ended.`,
        ...(withKeys ? [`${count(ended.keys, 'key')} revoked.`] : []),
      ]);
      return;
    }
    if (end === undefined) {
      const { kind, cursor } = options;
      const page = await signIns.list(sub, definedOnly({ kind, cursor, limit }));
      context.printResult(page, () => [
        ...(page.entries.length === 0 ? [`${username} has no sessions.`] : tableOf(page.entries)),
        ...(page.next === undefined ? [] : [`There may be more: repeat this with --cursor ${page.next}`]),
      ]);
      return;
    }
    const ended = await endOne(signIns, person, { id: end, ...definedOnly({ kind: options.kind }) });
    if (ended === undefined)
      throw new CommandFailure(
        `${username} has no session ${end}. \`drawbridge user sessions ${tenant} ${login}\` shows all.`,
      );
    context.printResult({ sub, ended: 1, kind: ended }, () => [
      `The ${words[ended]} of ${username} was ended.`,
    ]);
  });

/** @throws CommandFailure */
const readLimit = (written: string | undefined): number | undefined => {
  if (written === undefined) return undefined;
  const limit = /^\d{1,3}$/.test(written) ? Number(written) : 0;
  if (limit >= 1 && limit <= mostSignIns) return limit;
  throw usageFailure(`--limit is a number from 1 to ${mostSignIns}.`);
};

/** Ids are random, so one of another kind is not met. */
const endOne = async (
  signIns: SignIns,
  { sub }: Person,
  { id, kind }: { readonly id: string; readonly kind?: SignInKind },
): Promise<SignInKind | undefined> => {
  for (const one of kind === undefined ? signInKinds : [kind])
    if (await signIns.end(sub, { kind: one, id }, by)) return one;
  return undefined;
};

const words: Readonly<Record<SignInKind, string>> = {
  session: 'session',
  gateway_session: 'session',
  refresh_token: 'access of an app',
  device: 'device',
  api_key: 'key',
};

const openSignIns = (parts: StoreParts, tenant: string): SignIns => {
  const storage = parts.storage.forTenant(tenant);
  const revocations = openRevocations(parts, tenant);
  const audit = createAudit({
    records: storage.audit,
    log: parts.log.child({ tenant }),
    clock: systemClock,
  });
  const shared = { storage, revocations, audit, clock: systemClock };
  const devices = createDevices({ ...shared, authorizationsOf });
  return createPersonSignIns({ ...shared, devices }).signIns;
};

const tableOf = (found: readonly SignInEntry[]): readonly string[] =>
  columns([
    ['KIND', 'ID', 'SIGNED IN', 'LAST USED', 'ENDS', 'ADDRESS', 'BROWSER', 'NAME', 'APPS', 'SERVICES'],
    ...found.map(
      ({ kind, id, signedInAt, lastUsedAt, expiresAt, origin, name, clientId, clients, services }) => [
        kind,
        id,
        ...[signedInAt, lastUsedAt, expiresAt].map((at) => formatTime(at === undefined ? at : at * 1000)),
        origin?.address ?? '-',
        Object.values(browserName(origin ?? {})).join(', ') || '-',
        name ?? clientId ?? '-',
        clients.join(', ') || '-',
        services.join(', ') || '-',
      ],
    ),
  ]);
