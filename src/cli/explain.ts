import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import type { SourceDefinition } from '../config/source/source-definition.ts';
import { openSourceConnections, type RemoteSource } from '../connectors/open-connectors.ts';
import { createLog } from '../log.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import { type CliContext, contextOf } from './context.ts';
import { CommandFailure, usageFailure } from './exit.ts';
import { explainError } from './explain/explain-error.ts';
import {
  explainByName,
  explainByToken,
  explainLocal,
  type SourceExplanation,
} from './explain/explain-source.ts';
import { explanationLines } from './explain/explanation-lines.ts';
import { createAccountFinder } from './explain/find-account.ts';
import { requireDefinition } from './tenant-directory.ts';
import { withStore } from './with-store.ts';

interface ExplainOptions {
  readonly user?: string;
  readonly token?: string;
  readonly tokenStdin?: boolean;
}

export const addExplain = (program: Command): void => {
  const verb = program
    .command('explain <tenant>')
    .description('what the sources say of a person and what the mapping makes of it, without a login')
    .option('--user <name>', 'look up a user, by the name typed at sign-in')
    .option('--token <file>', 'read an access token of a source from a file, - for standard input')
    .option('--token-stdin', 'read it from standard input')
    .addHelpText(
      'after',
      '\nNothing is written, and no secret is shown. It shows what is known of people: mind who reads it.',
    )
    .action((tenant: string, options: ExplainOptions, command: Command) =>
      explain(contextOf(command), tenant, options),
    );
  verb
    .command('error <id>')
    .description('what an error was about, by the error id of its page, its JSON or the header x-error-id')
    .option('--log <file>', 'search this log of the server too, - for standard input; it has every error')
    .action((id: string, { log }: { readonly log?: string }, command: Command) =>
      explainError(contextOf(command), { id, log }),
    );
};

const explain = async (context: CliContext, tenant: string, options: ExplainOptions): Promise<void> => {
  const { user } = options;
  const tokenFile = options.tokenStdin ? '-' : options.token;
  if ((user === undefined) === (tokenFile === undefined)) {
    throw usageFailure('Say who is to be explained: --user <name>, or an access token with --token <file>.');
  }
  if (user !== undefined && canonicalLogin(user) === undefined) {
    throw usageFailure('The name must have 1 to 256 characters, all of them visible.');
  }
  const token = tokenFile === undefined ? undefined : await readToken(context, tokenFile);

  const explanations = await withStore(context, async ({ storage, settings }) => {
    const definition = requireDefinition(settings, { id: tenant, env: context.env });
    const records = storage.forTenant(tenant).accounts;
    // the result contains what the sources would log
    const connections = openSourceConnections({
      clock: systemClock,
      log: createLog({ level: 'silent' }),
      outgoingProxy: settings.server.outgoingProxy,
    });
    try {
      const findAccount = createAccountFinder(definition, { records, clock: systemClock });
      const explainOne = (source: SourceDefinition): Promise<SourceExplanation> => {
        if (source.type === 'local') return explainLocal(source, { records, user });
        if (token === undefined) {
          const connector = connections.rawConnectorOf(tenant, source);
          return explainByName({ connector, findAccount }, user ?? '');
        }
        const connector = connections.rawConnectorOf(tenant, takingTokens(source));
        return explainByToken({ connector, findAccount }, token);
      };
      return await Promise.all(definition.sources.map(explainOne));
    } finally {
      await connections.close();
    }
  });

  context.printResult(explanations, () => explanationLines(explanations));
  const silent = explanations.filter(({ outcome }) => outcome === 'unavailable').map(({ source }) => source);
  if (silent.length > 0) {
    throw new CommandFailure(
      `No answer from ${silent.join(', ')}. \`drawbridge doctor ${tenant}\` says what to do.`,
    );
  }
};

/** A token can be explained even if the tenant does not accept tokens from apps. */
const takingTokens = (source: RemoteSource): RemoteSource =>
  source.type === 'oidc' || source.type === 'oauth2' ? { ...source, acceptUpstreamTokens: true } : source;

const mostTokenBytes = 64 * 1024;

/** @throws CommandFailure without the given name of the file: it may be the token itself */
const readToken = async ({ cwd }: CliContext, file: string): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const input = file === '-' ? process.stdin : (await open(resolve(cwd, file))).createReadStream();
    for await (const chunk of input as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostTokenBytes) throw usageFailure('That is more than a token: at most 64 KiB are read.');
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause;
    throw new CommandFailure(
      `The file of the token cannot be read (${(cause as NodeJS.ErrnoException).code}). Give its path, and never the token itself: others on this machine can read the command line.`,
    );
  }
  const token = Buffer.concat(chunks).toString('utf8').trim();
  if (token === '') throw usageFailure('There is no token in what was given.');
  return token;
};
