// The secrets of a client are the operator's, in the environment or in files; the tenant's file refers to them. These verbs
// make one, say which there are, and say what to write.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { findNearest } from '../config/parsing/nearest.ts';
import { resolveSecret } from '../config/parsing/secrets.ts';
import { parseYaml } from '../config/parsing/yaml-source.ts';
import { columns } from './columns.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure } from './exit.ts';
import { requireTenant, tenantFile } from './tenant-directory.ts';

export const addClientSecret = (client: Command): void => {
  const secret = client.command('secret').description('the secrets of a client; two may be valid at a time');
  secret
    .command('new <tenant> <client_id>')
    .description('make a secret, and say what to write into the file of the tenant')
    .option('--file <path>', 'write it into this new file, which only its owner may read')
    .action((tenant: string, id: string, { file }: { readonly file?: string }, command: Command) =>
      make(contextOf(command), { tenant, id }, file),
    );
  secret
    .command('list <tenant> <client_id>')
    .description('where the secrets are, without showing them')
    .action((tenant: string, id: string, _: unknown, command: Command) =>
      list(contextOf(command), { tenant, id }),
    );
  secret
    .command('retire <tenant> <client_id> <reference>')
    .description('say what to write so that one of two secrets, such as env:OLD_SECRET, is valid no longer')
    .action((tenant: string, id: string, reference: string, _: unknown, command: Command) =>
      retire(contextOf(command), { tenant, id }, reference),
    );
};

interface NamedClient {
  readonly tenant: string;
  readonly id: string;
}

const make = (context: CliContext, client: NamedClient, file: string | undefined): void => {
  const { references, path } = referencesOf(context, client);
  if (references.length > 1)
    throw new CommandFailure(
      `${client.id} has two secrets already: ${references.join(', ')}. Retire one of them first.`,
    );
  const secret = randomBytes(32).toString('base64url');
  const name = `${client.tenant}_${client.id}_SECRET${references.length === 0 ? '' : '_NEXT'}`;
  const reference =
    file === undefined
      ? `env:${name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
      : `file:${resolve(context.cwd, file)}`;
  if (file !== undefined)
    writeFileSync(resolve(context.cwd, file), `${secret}\n`, { flag: 'wx', mode: 0o600 });
  const write = lineOf([...references, reference]);
  context.printResult({ reference, write, ...(file === undefined ? { secret } : {}) }, () => [
    ...(file === undefined
      ? [
          `${reference.slice('env:'.length)}=${secret}`,
          '',
          'It is shown once. Set this variable for the server.',
        ]
      : [`The secret is in ${resolve(context.cwd, file)}.`]),
    `Write for ${client.id} in ${path}:`,
    `  ${write}`,
    ...(references.length === 0
      ? []
      : [
          'Both secrets are valid then. Give the new one to the client, and retire the old one:',
          `  drawbridge client secret retire ${client.tenant} ${client.id} ${references[0]}`,
        ]),
  ]);
};

const list = (context: CliContext, client: NamedClient): void => {
  const { references } = referencesOf(context, client);
  const found = references.map((reference) => {
    const read = resolveSecret(reference, { env: context.env, readFile: readFileSync });
    const isWritten = read.ok && read.inline;
    return {
      reference: isWritten ? '(written in the file)' : reference,
      status: read.ok ? 'set' : 'not set here',
      fingerprint: read.ok ? createHash('sha256').update(read.value).digest('hex').slice(0, 12) : '-',
    };
  });
  context.printResult(found, () =>
    found.length === 0
      ? [`${client.id} has no secret.`]
      : columns([
          ['SECRET', 'STATUS', 'FINGERPRINT'],
          ...found.map(({ reference, status, fingerprint }) => [reference, status, fingerprint]),
        ]),
  );
};

const retire = (context: CliContext, client: NamedClient, retired: string): void => {
  const { references, path } = referencesOf(context, client);
  const kept = references.filter((reference) => reference !== retired);
  if (kept.length === references.length)
    throw new CommandFailure(
      `${client.id} has no secret ${retired}. \`drawbridge client secret list ${client.tenant} ${client.id}\` shows all.`,
    );
  if (kept.length === 0)
    throw new CommandFailure(`${retired} is the only secret of ${client.id}. Make another one first.`);
  const write = lineOf(kept);
  context.printResult({ write }, () => [
    `Write for ${client.id} in ${path}:`,
    `  ${write}`,
    'The change is active within a second. Then remove the old secret.',
  ]);
};

const lineOf = (references: readonly string[]): string =>
  `client_secret: ${references.length === 1 ? references[0] : `[${references.map((one) => `"${one}"`).join(', ')}]`}`;

/** As they are written in the tenant's file. @throws CommandFailure */
const referencesOf = (
  context: CliContext,
  { tenant, id }: NamedClient,
): { readonly references: readonly string[]; readonly path: string } => {
  const { settings } = requireSettings(context);
  requireTenant(settings, tenant);
  const path = tenantFile(settings, tenant);
  const yaml = parseYaml(readFileSync(path, 'utf8'), path);
  const clients = 'faults' in yaml ? [] : clientsIn(yaml.value);
  const client = clients.find(({ client_id: own }) => own === id);
  if (client !== undefined) {
    const texts = [client.client_secret].flat().filter((text) => typeof text === 'string');
    return { references: texts, path };
  }
  const nearest = findNearest(
    id,
    clients.map(({ client_id: own }) => String(own)),
  );
  throw new CommandFailure(
    `There is no client ${id} in ${path}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`}`,
  );
};

interface WrittenClient {
  readonly client_id?: unknown;
  readonly client_secret?: unknown;
}

const clientsIn = (value: unknown): readonly WrittenClient[] => {
  const { clients } = (value ?? {}) as { clients?: unknown }; // the schema judges the rest of the file elsewhere
  return Array.isArray(clients) ? clients.filter((one) => typeof one === 'object' && one !== null) : [];
};
