// The command line. One file for each verb in `cli/`, such as `cli/user.ts`; here they become one program.
//   cli/context.ts       what every verb gets: settings, output for people or programs (`--json`)
//   cli/with-store.ts    opens the store for one verb; cli/exit.ts: exit codes and failures with words
//   cli/doctor/          the checks of `doctor`; cli/explain/ what `explain` shows of a person at a source
import { Command, CommanderError } from 'commander';
import { CommandFailure, exitCodes } from './cli/exit.ts';
import { addHelp } from './cli/help.ts';
import { packageVersion } from './package-root.ts';
import { explainFailure } from './process/explain-failure.ts';

/** Runs one command; its exit code is in `process.exitCode` when the promise resolves. */
export const runCli = async (args: readonly string[]): Promise<void> => {
  // A reader that closes the pipe (EPIPE) does not end the command; nothing could report it either.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  // A command that waits for something that never happens makes Node end the process: that counts as a failure. The exit
  // code is not set before, because commander gives its help with the one that is there.
  process.once('exit', () => {
    process.exitCode ??= exitCodes.failure;
  });
  try {
    const program = await createProgram(args);
    await program.parseAsync([...args], { from: 'user' });
    process.exitCode = exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      return;
    }
    const isForeseen = error instanceof CommandFailure;
    process.stderr.write(`${isForeseen ? error.message : explainFailure(error)}\n`);
    process.exitCode = isForeseen ? error.exitCode : exitCodes.failure;
  }
};

/** In the order of the help. One is loaded when it is asked for: all together cost most of a second. */
const verbs = {
  init: async () => (await import('./cli/init.ts')).addInit,
  start: async () => (await import('./cli/start.ts')).addStart,
  config: async () => (await import('./cli/config.ts')).addConfig,
  tenant: async () => (await import('./cli/tenant.ts')).addTenant,
  client: async () => (await import('./cli/client.ts')).addClient,
  user: async () => (await import('./cli/user.ts')).addUser,
  'api-key': async () => (await import('./cli/api-key.ts')).addApiKey,
  device: async () => (await import('./cli/device.ts')).addDevice,
  mail: async () => (await import('./cli/mail.ts')).addMail,
  migration: async () => (await import('./cli/migration.ts')).addMigration,
  audit: async () => (await import('./cli/audit.ts')).addAudit,
  keys: async () => (await import('./cli/keys.ts')).addKeys,
  backup: async () => (await import('./cli/backup.ts')).addBackup,
  restore: async () => (await import('./cli/restore.ts')).addRestore,
  healthcheck: async () => (await import('./cli/healthcheck.ts')).addHealthcheck,
  doctor: async () => (await import('./cli/doctor.ts')).addDoctor,
  explain: async () => (await import('./cli/explain.ts')).addExplain,
};

const isVerb = (name: string): name is keyof typeof verbs => Object.hasOwn(verbs, name);

const createProgram = async (args: readonly string[]): Promise<Command> => {
  const program = new Command('drawbridge')
    .description('A multi-tenant OpenID Connect provider and identity federation bridge')
    .version(packageVersion())
    .option('-c, --config <file>', 'file of settings (default: config/server.yaml)')
    .option('--json', 'print results as JSON')
    .option('-q, --quiet', 'print results only')
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride();
  addHelp(program);
  const [verb = ''] = program.parseOptions([...args]).operands;
  const wanted = isVerb(verb) ? [verbs[verb]] : Object.values(verbs);
  for (const add of await Promise.all(wanted.map((load) => load()))) add(program);
  return program;
};
