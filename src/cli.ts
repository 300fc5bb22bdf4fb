// The command line. One file for each verb in `cli/`, such as `cli/user.ts`; here they become one program.
//   cli/context.ts       what every verb gets: settings, output for people or programs (`--json`)
//   cli/with-store.ts    opens the store for one verb; cli/exit.ts: exit codes and failures with words
//   cli/doctor/          the checks of `doctor`; cli/explain/ what `explain` shows of a person at a source
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addApiKey } from './cli/api-key.ts';
import { addAudit } from './cli/audit.ts';
import { addBackup } from './cli/backup.ts';
import { addClient } from './cli/client.ts';
import { addConfig } from './cli/config.ts';
import { addDevice } from './cli/device.ts';
import { addDoctor } from './cli/doctor.ts';
import { CommandFailure, exitCodes } from './cli/exit.ts';
import { addExplain } from './cli/explain.ts';
import { addHealthcheck } from './cli/healthcheck.ts';
import { addHelp } from './cli/help.ts';
import { addInit } from './cli/init.ts';
import { addKeys } from './cli/keys.ts';
import { addMail } from './cli/mail.ts';
import { addMigration } from './cli/migration.ts';
import { addRestore } from './cli/restore.ts';
import { addStart } from './cli/start.ts';
import { addTenant } from './cli/tenant.ts';
import { addUser } from './cli/user.ts';
import { packageRoot } from './package-root.ts';
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
    await createProgram().parseAsync([...args], { from: 'user' });
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

const createProgram = (): Command => {
  const program = new Command('drawbridge')
    .description('A multi-tenant OpenID Connect provider and identity federation bridge')
    .version(readVersion())
    .option('-c, --config <file>', 'file of settings (default: config/server.yaml)')
    .option('--json', 'print results as JSON')
    .option('-q, --quiet', 'print results only')
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride();
  addHelp(program);
  addInit(program);
  addStart(program);
  addConfig(program);
  addTenant(program);
  addClient(program);
  addUser(program);
  addApiKey(program);
  addDevice(program);
  addMail(program);
  addMigration(program);
  addAudit(program);
  addKeys(program);
  addBackup(program);
  addRestore(program);
  addHealthcheck(program);
  addDoctor(program);
  addExplain(program);
  return program;
};

const readVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version; // our own file
