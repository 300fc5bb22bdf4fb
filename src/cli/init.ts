import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createPasswordRules } from '../accounts/password-rules.ts';
import { systemClock } from '../clock.ts';
import { formatFault } from '../config/parsing/fault.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { checkRedirectUri } from '../config/tenant/redirect-uri.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { loadTenant } from '../config/tenant/tenant-file.ts';
import { definedOnly } from '../defined-only.ts';
import { packageRoot } from '../package-root.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import { checkTenantId } from '../protocol/tenant-id.ts';
import { dataFolder } from '../server/open-store.ts';
import { issuerOf } from '../tenants/issuer.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { newTenantText, webClientId } from './init-tenant-file.ts';
import { openUsers } from './open-users.ts';
import { askText, canAsk, type Judge, type NewPasswordOptions, takeNewPassword } from './prompts.ts';
import { tenantFile } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

interface InitOptions extends NewPasswordOptions {
  readonly tenant?: string;
  readonly displayName?: string;
  readonly redirectUri?: readonly string[];
  readonly username?: string;
  readonly email?: string;
  readonly secretsDirectory?: string;
  readonly yes?: boolean;
}

export const addInit = (program: Command): void => {
  program
    .command('init')
    .description('make a tenant of your own: its file, a web client with a secret, and a first user')
    .option('--tenant <id>', 'id, part of the issuer')
    .option('--display-name <name>', 'name shown to people')
    .option('--redirect-uri <uri...>', 'where the web client takes its codes')
    .option('--username <name>', 'the first user')
    .option('--email <address>', 'e-mail address of the first user')
    .option(
      '--secrets-directory <folder>',
      "folder of the client's secret (default: secrets beside the data)",
    )
    .option('--password-stdin', "read the first user's password from standard input")
    .option('-y, --yes', 'take the defaults for what is not given, ask for a password only')
    .action((options: InitOptions, command: Command) => init(contextOf(command), options));
};

interface Question {
  readonly flag: string;
  readonly message: string;
  readonly given: string | undefined;
  readonly initial: string;
  readonly judge: Judge;
}

/** The new tenant, from flags, questions or defaults. */
interface NewTenant {
  readonly id: string;
  readonly displayName: string;
  readonly redirectUris: readonly string[];
  readonly username: string;
}

const init = async (context: CliContext, options: InitOptions): Promise<void> => {
  const { settings } = requireSettings(context);
  const newTenant = await takeNewTenant(options, settings);
  const { id, username } = newTenant;
  const file = tenantFile(settings, id);
  const secretFile = join(secretsDirectory(context, { settings, options }), `${id}-${webClientId}.secret`);
  if (existsSync(secretFile)) throw new CommandFailure(alreadyThere(secretFile));
  const text = newTenantText(newTenant, {
    directory: settings.tenants.directory,
    schemaFile: join(packageRoot(), 'config', 'tenant.schema.json'),
    secretFile,
  });
  const secret = randomBytes(32).toString('base64url');
  const definition = refuseFaults({
    id,
    path: file,
    text,
    env: context.env,
    readFile: () => Buffer.from(secret),
  });
  const email = options.email;
  const faultOfPassword = createPasswordRules(definition, systemClock);
  const password = await takeNewPassword(options, {
    message: `Password of ${username}`,
    judge: (answer) => faultOfPassword(answer, { username, ...definedOnly({ email }) }),
  });

  await withStore(context, async (parts) => {
    if ((await parts.storage.listTenants()).includes(id)) {
      throw new CommandFailure(
        `The store still has data of a former tenant ${id}. Choose another id, or delete it with \`drawbridge tenant purge ${id}\`.`,
      );
    }
    const user = { username, password, ...definedOnly({ email }) };
    writePrivately(secretFile, `${secret}\n`);
    mkdirSync(settings.tenants.directory, { recursive: true });
    writeFileSync(file, text, { flag: 'wx' });
    try {
      const added = await openUsers(parts, id).add(user);
      if (!added.ok) throw new CommandFailure(added.message);
    } catch (error) {
      for (const path of [file, secretFile]) rmSync(path);
      throw error;
    }
  });
  const issuer = issuerOf({ id }, settings.server.publicUrl);
  const result = { tenant: id, file, issuer, clientId: webClientId, clientSecretFile: secretFile, username };
  context.printResult(result, () => [
    `The tenant ${id} is ready.`,
    '',
    `  issuer         ${issuer}`,
    `  client_id      ${webClientId}`,
    `  client secret  in ${secretFile}`,
    `  first user     ${username}`,
    `  its file       ${file}`,
    '',
    `Next: a running server serves it within a second, otherwise \`npm start\`. Then sign in at ${issuer}.`,
  ]);
};

const takeNewTenant = async (options: InitOptions, settings: ServerSettings): Promise<NewTenant> => {
  const missing: string[] = [];
  const take = async ({ flag, message, given, initial, judge }: Question): Promise<string> => {
    if (given === undefined && !options.yes && canAsk()) return askText(message, { initial, judge });
    if (given === undefined && !options.yes && flag !== '--display-name') missing.push(flag);
    const answer = given ?? initial;
    const fault = judge(answer);
    if (fault !== undefined && given !== undefined) throw usageFailure(`${flag} ${given}: ${fault}`);
    if (fault !== undefined && options.yes) throw usageFailure(`${fault} Give ${flag}.`);
    return answer;
  };

  const id = await take({
    flag: '--tenant',
    message: 'Id of the tenant, part of its issuer',
    given: options.tenant,
    initial: 'main',
    judge: (answer) => {
      if (checkTenantId(answer) !== undefined) return idWords;
      return existsSync(tenantFile(settings, answer))
        ? alreadyThere(tenantFile(settings, answer))
        : undefined;
    },
  });
  const displayName = await take({
    flag: '--display-name',
    message: 'Name shown to people',
    given: options.displayName,
    initial: `${id.charAt(0).toUpperCase()}${id.slice(1)}`,
    judge: (answer) =>
      /^[^\p{Cc}]{1,100}$/u.test(answer) ? undefined : 'It has 1 to 100 visible characters.',
  });
  const redirectUris: string[] = [];
  for (const given of options.redirectUri ?? [undefined]) {
    redirectUris.push(
      await take({
        flag: '--redirect-uri',
        message: 'Where your web app takes its codes (redirect URI)',
        given,
        initial: 'http://localhost:8080/callback',
        judge: (answer) => {
          const fault = checkRedirectUri(answer, 'web');
          return fault === undefined ? undefined : `The redirect URI ${fault}.`;
        },
      }),
    );
  }
  const username = await take({
    flag: '--username',
    message: 'User name of the first person',
    given: options.username,
    initial: 'admin',
    judge: (answer) =>
      canonicalLogin(answer) === undefined ? 'It has 1 to 256 visible characters.' : undefined,
  });
  if (missing.length === 0) return { id, displayName, redirectUris, username };
  throw usageFailure(
    `There is no terminal to ask at. Give ${missing.join(', ')} and --password-stdin, or --yes for defaults.`,
  );
};

const idWords =
  'It has small letters, digits and hyphens, at most 63, and is no reserved word; acme, for instance.';

const alreadyThere = (path: string): string =>
  `${path} is there already and is not overwritten. Choose another id, or remove it.`;

/** The folder is ignored by git like the data, but is no part of it: a backup of the store does not contain it. */
const secretsDirectory = (
  { cwd }: CliContext,
  { settings, options }: { readonly settings: ServerSettings; readonly options: InitOptions },
): string => {
  const folder = resolve(
    cwd,
    options.secretsDirectory ?? join(dataFolder(settings.storage.url) ?? 'data', 'secrets'),
  );
  if (/^\/[^\s"'#,{}[\]]*$/.test(folder)) return folder;
  throw usageFailure(
    `A reference cannot name ${folder}: it holds spaces, quotes or brackets. Give another --secrets-directory.`,
  );
};

const writePrivately = (path: string, content: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
};

/** Refuses a file that would not be served, before it is written. */
const refuseFaults = (options: Parameters<typeof loadTenant>[0]): TenantDefinition => {
  const loaded = loadTenant(options);
  if ('faults' in loaded) throw new CommandFailure(loaded.faults.map(formatFault).join('\n'));
  return loaded.definition;
};
