import type { Command } from 'commander';
import { createPersonSessions, type PersonSession } from '../accounts/person-sessions.ts';
import { browserName } from '../accounts/session-origin.ts';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import { gatewaySessionFacts } from '../gateway/sign-in/gateway-sessions.ts';
import { authorizationsOf, originOf } from '../oidc/adapter/artifact-payload.ts';
import { columns, formatTime } from './columns.ts';
import { type CliContext, contextOf } from './context.ts';
import { count } from './count.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { requireAccount, withUsers } from './open-users.ts';
import { openRevocations } from './revocations.ts';

interface SessionOptions {
  readonly end?: string;
  readonly endAll?: boolean;
}

export const addUserSessions = (user: Command): void => {
  user
    .command('sessions <tenant> <login>')
    .description('the sessions of a person; or end one, or all')
    .option('--end <id>', 'end this session, with the tokens of its apps')
    .option('--end-all', 'end all sessions and tokens of this person')
    .action((tenant: string, login: string, options: SessionOptions, command: Command) =>
      sessions(contextOf(command), { tenant, login, options }),
    );
};

const sessions = (
  context: CliContext,
  { tenant, login, options }: { tenant: string; login: string; options: SessionOptions },
): Promise<void> =>
  withUsers(context, tenant, async (users, parts) => {
    if (options.end !== undefined && options.endAll)
      throw usageFailure('Write --end or --end-all, not both.');
    const { sub, username } = await requireAccount(users, { tenant, login });
    const storage = parts.storage.forTenant(tenant);
    const ofPerson = createPersonSessions({
      storage,
      revocations: openRevocations(parts, tenant),
      authorizationsOf,
      originOf,
      gatewaySessionFacts,
      audit: createAudit({ records: storage.audit, log: parts.log.child({ tenant }), clock: systemClock }),
      clock: systemClock,
    });
    if (options.endAll) {
      const ended = await ofPerson.endAll(sub, { actor: 'cli' });
      context.printResult({ sub, ended }, () => [`${count(ended, 'session')} of ${username} ended.`]);
    } else if (options.end !== undefined) {
      if (!(await ofPerson.end(sub, options.end, { actor: 'cli' })))
        throw new CommandFailure(
          `${username} has no session ${options.end}. \`drawbridge user sessions ${tenant} ${login}\` shows all.`,
        );
      context.printResult({ sub, ended: 1 }, () => [`The session of ${username} was ended.`]);
    } else {
      const found = await ofPerson.list(sub);
      context.printResult(found, () =>
        found.length === 0 ? [`${username} has no sessions.`] : tableOf(found),
      );
    }
  });

const tableOf = (found: readonly PersonSession[]): readonly string[] =>
  columns([
    ['ID', 'SIGNED IN', 'ENDS', 'ADDRESS', 'BROWSER', 'APPS', 'SERVICES'],
    ...found.map(({ id, signedInAt, expiresAt, clients, services, origin }) => [
      id,
      formatTime(signedInAt === undefined ? undefined : signedInAt * 1000),
      formatTime(expiresAt * 1000),
      origin?.address ?? '-',
      Object.values(browserName(origin ?? {})).join(', ') || '-',
      clients.join(', ') || '-',
      services.join(', ') || '-',
    ]),
  ]);
