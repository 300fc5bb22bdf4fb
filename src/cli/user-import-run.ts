import { loginsOf } from '../accounts/logins.ts';
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { randomId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { type ImportedUser, type ParsedLine, parseUserLine } from './user-import-line.ts';

export interface ImportReport {
  readonly imported: number;
  /** The user name exists already, from an earlier run or otherwise. */
  readonly skipped: number;
  readonly wrong: number;
  /** Number of imported people who cannot sign in before a password is set. */
  readonly withoutPassword: number;
  readonly faults: readonly LineFault[];
}

export interface LineFault {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface ImportParts {
  readonly records: AccountRecords;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly isDryRun: boolean;
  /** Called after each batch with the number of lines that are done. */
  readonly onProgress: (lines: number) => void;
}

interface NumberedLine {
  readonly line: number;
  readonly text: string;
}

type LineOutcome =
  | { readonly is: 'imported'; readonly hasPassword: boolean }
  | { readonly is: 'skipped' }
  | { readonly is: 'wrong'; readonly faults: readonly string[] };

/** The writes of a batch share commits of the embedded store, and stay within its and MongoDB's time limits. */
const linesAtOnce = 100;

/**
 * Imports the right lines and reports the others. A line is imported completely or not at all, and may be repeated: an
 * existing user is not changed.
 * @throws AppError `unavailable` when store or audit record are not available; users imported until then stay
 */
export const importUsers = async (
  lines: AsyncIterable<string>,
  parts: ImportParts,
): Promise<ImportReport> => {
  const seen = new Map<string, number>();
  const totals = { imported: 0, skipped: 0, wrong: 0, withoutPassword: 0 };
  const faults: LineFault[] = [];

  for await (const batch of inBatches(lines)) {
    const outcomes = await Promise.all(
      batch
        .map((numbered) => refuseDuplicates(numbered, seen))
        .map((parsed) => (parsed.ok ? importOne(parsed.user, parts) : wrong(parsed.faults))),
    );
    for (const [index, outcome] of outcomes.entries()) {
      totals[outcome.is] += 1;
      if (outcome.is === 'imported' && !outcome.hasPassword) totals.withoutPassword += 1;
      const line = batch[index]?.line ?? 0;
      if (outcome.is === 'wrong') faults.push(...outcome.faults.map((message) => ({ line, message })));
    }
    parts.onProgress(batch.at(-1)?.line ?? 0);
  }
  return { ...totals, faults };
};

/** Skips blank lines. */
async function* inBatches(lines: AsyncIterable<string>): AsyncIterable<readonly NumberedLine[]> {
  let batch: NumberedLine[] = [];
  let line = 0;
  for await (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    batch.push({ line, text: line === 1 ? text.replace(/^\uFEFF/, '') : text });
    if (batch.length < linesAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Of two lines with the same name only the first counts, in the order of the file. */
const refuseDuplicates = ({ line, text }: NumberedLine, seen: Map<string, number>): ParsedLine => {
  const parsed = parseUserLine(text);
  if (!parsed.ok) return parsed;
  const { username, email } = parsed.user;
  const faults = (loginsOf(username, email) ?? []).flatMap((login) => {
    const earlier = seen.get(login);
    return earlier === undefined ? [] : [`${login} is the name or e-mail address of line ${earlier} already`];
  });
  if (faults.length > 0) return { ok: false, faults };
  for (const login of loginsOf(username, email) ?? []) seen.set(login, line);
  return parsed;
};

const importOne = async (
  user: ImportedUser,
  { records, audit, clock, isDryRun }: ImportParts,
): Promise<LineOutcome> => {
  const account = toAccount(user, clock.now());
  const taken = await findTaken(account, records);
  if (taken !== undefined) return taken;
  const imported: LineOutcome = { is: 'imported', hasPassword: user.passwordHash !== undefined };
  if (isDryRun) return imported;
  const event = { action: 'user.import', actor: 'cli', object: account.sub } as const;
  await audit.noteBefore({ ...event, outcome: 'success' });
  if (await records.insert(account)) return imported;
  // another process was quicker
  await audit.note({ ...event, outcome: 'failure', reason: 'taken' });
  return (await findTaken(account, records)) ?? wrong(['the name was taken just now; run the import again']);
};

const findTaken = async (
  { logins, username }: AccountRecord,
  records: AccountRecords,
): Promise<LineOutcome | undefined> => {
  const owners = await Promise.all(logins.map((login) => records.findByLogin(login)));
  const [owner, mailOwner] = owners;
  if (owner !== undefined) {
    return canonicalLogin(owner.username) === canonicalLogin(username)
      ? { is: 'skipped' }
      : wrong([`username: ${username} is the e-mail address of ${owner.username} already`]);
  }
  return mailOwner === undefined ? undefined : wrong([`email: it belongs to ${mailOwner.username} already`]);
};

const wrong = (faults: readonly string[]): LineOutcome => ({ is: 'wrong', faults });

const toAccount = (user: ImportedUser, nowMs: number): AccountRecord => ({
  sub: randomId(16),
  logins: loginsOf(user.username, user.email) ?? [],
  username: user.username,
  ...definedOnly({ passwordHash: user.passwordHash }),
  ...(user.email === undefined ? {} : { email: user.email, emailVerified: user.emailVerified }),
  claims: user.claims,
  groups: user.groups,
  roles: user.roles,
  ...(user.isDisabled ? { disabledAt: nowMs } : {}),
  origin: 'local',
  createdAt: nowMs,
  updatedAt: nowMs,
  version: 1,
});
