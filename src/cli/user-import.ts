import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { createAudit } from '../audit/audit.ts';
import { systemClock } from '../clock.ts';
import { type CliContext, contextOf } from './context.ts';
import { count } from './count.ts';
import { CommandFailure } from './exit.ts';
import { openLinesFile } from './lines-file.ts';
import { readTenant, requireTenant } from './tenant-directory.ts';
import { type ImportReport, importUsers } from './user-import-run.ts';
import { withStore } from './with-store.ts';

interface ImportOptions {
  readonly dryRun?: boolean;
}

const help = `
One JSON object a line, UTF-8:
  {"username":"alice","email":"alice@example.com","email_verified":true,"password_hash":"$2b$12$…",
   "claims":{"name":"Alice Adams"},"groups":["staff"],"roles":[],"disabled":false}
Only username is needed; who has no password_hash needs a password set before the first sign-in.

Forms of password_hash; each is replaced by one of our own at the first sign-in:
  bcrypt   $2a$…  $2b$…  $2y$…  {CRYPT}$2b$…                  cost 4 to 15
  PBKDF2   $pbkdf2-sha256$29000$salt$hash (passlib)  $pbkdf2-sha256$i=29000$salt$hash (PHC)
           {PBKDF2-SHA256}29000$salt$hash (OpenLDAP)          sha1, sha256, sha512; up to 5000000 iterations
  scrypt   $scrypt$ln=15,r=8,p=1$salt$hash                    up to 256 MiB
  argon2   $argon2id$v=19$m=65536,t=3,p=4$salt$hash           also argon2i and argon2d; up to 256 MiB
  SHA      {SSHA}…  {SSHA256}…  {SSHA384}…  {SSHA512}…  {SHA}…  {SHA256}…
  and what Django and Werkzeug write: pbkdf2_sha256$…  scrypt$…  bcrypt_sha256$…  pbkdf2:sha256:…  scrypt:…

Lines with faults are reported with their numbers and left out; all others are imported. Users whose name exists
already stay as they are, so an import can be run again. A server may be running.`;

export const addUserImport = (user: Command): void => {
  user
    .command('import <tenant> <file>')
    .description(
      'bring people of another system, with the hashes of their passwords; a file of JSON lines, - for standard input',
    )
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText('after', help)
    .action((tenant: string, file: string, { dryRun = false }: ImportOptions, command: Command) =>
      runImport(contextOf(command), { tenant, file, isDryRun: dryRun }),
    );
};

interface PlannedImport {
  readonly tenant: string;
  readonly file: string;
  readonly isDryRun: boolean;
}

const runImport = async (context: CliContext, { tenant, file, isDryRun }: PlannedImport): Promise<void> => {
  const report = await withStore(context, async ({ storage, settings, log }) => {
    requireTenant(settings, tenant);
    noteMissingLocalSource(context, readTenant(settings, { id: tenant, env: context.env }), tenant);
    const input = await openLinesFile(context, file);
    const records = storage.forTenant(tenant);
    let done = 0;
    try {
      return await importUsers(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), {
        records: records.accounts,
        audit: createAudit({ records: records.audit, log: log.child({ tenant }), clock: systemClock }),
        clock: systemClock,
        isDryRun,
        onProgress: (lines) => {
          done = lines;
        },
      });
    } catch (error) {
      context.note(`Stopped after line ${done}. What was imported stays; run it again to go on.`);
      throw error;
    }
  });
  context.printResult({ dryRun: isDryRun, ...report }, () => [summaryOf(report, isDryRun)]);
  if (report.wrong === 0) return;
  const lines = report.faults.map(({ line, message }) => `${file}:${line} ${message}`);
  throw new CommandFailure(`${lines.join('\n')}\nCorrect ${count(report.wrong, 'line')} and run it again.`);
};

const summaryOf = (
  { imported, skipped, wrong, withoutPassword }: ImportReport,
  isDryRun: boolean,
): string => {
  const lacking = withoutPassword === 0 ? '' : ` (${withoutPassword} without a password)`;
  return `${imported} ${isDryRun ? 'would be imported' : 'imported'}${lacking}, ${skipped} there already, ${wrong} wrong.`;
};

const noteMissingLocalSource = (
  context: CliContext,
  loaded: ReturnType<typeof readTenant>,
  tenant: string,
): void => {
  if (!('definition' in loaded) || loaded.definition.sources.some(({ type }) => type === 'local')) return;
  context.note(
    `${context.colors.yellow('warning')} ${tenant} has no source of type local, so these people cannot sign in with their passwords here. Add one to its file.`,
  );
};
