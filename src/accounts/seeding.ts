import type { Clock } from '../clock.ts';
import type { UserSeed } from '../config/tenant/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { loginsOf } from './logins.ts';
import { endOfSessions } from './standing.ts';

export interface SeedingParts {
  readonly tenant: string;
  readonly records: AccountRecords;
  readonly seeds: readonly UserSeed[];
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Stores the users of a demo tenant's file: those that are missing, and those whose seed has changed. A user that an
 * operator has changed (`user passwd`) is a local user from then on and is not overwritten; a disabled user stays
 * disabled. Any number of processes may do it at the same time. Runs when first asked; a failure is not remembered.
 */
export const createSeeding = (parts: SeedingParts): (() => Promise<void>) => {
  let seeding: Promise<void> | undefined;
  return () => {
    seeding ??= seedAll(parts).catch((error: unknown) => {
      seeding = undefined;
      throw error;
    });
    return seeding;
  };
};

const seedAll = async (parts: SeedingParts): Promise<void> => {
  // One after the other: a long list must not fill the hashing queue.
  for (const seed of parts.seeds) await seedOne(parts, seed);
};

const seedOne = async (parts: SeedingParts, seed: UserSeed): Promise<void> => {
  const { tenant, records, log } = parts;
  const logins = loginsOf(seed.username, seed.email);
  const [login] = logins ?? [];
  if (logins === undefined || login === undefined) {
    log.warn({ tenant, username: seed.username }, 'a user of the file was left out: the name cannot be used');
    return;
  }
  const sub = hashId(`seed\0${tenant}\0${login}`).slice(0, 22);
  const fingerprint = hashId(JSON.stringify(seed));
  const stored = await records.findBySub(sub);
  if (stored !== undefined && (stored.origin !== 'demo' || stored.seed === fingerprint)) return;

  const planned: PlannedAccount = { seed, sub, logins, fingerprint };
  const isWritten = stored === undefined ? await insert(parts, planned) : await renew(parts, planned, stored);
  if (isWritten || (await records.findBySub(sub))?.seed === fingerprint) return;
  log.warn(
    { tenant, username: seed.username },
    'a user of the file was left out: its name or e-mail is taken, or it was changed just now',
  );
};

interface PlannedAccount {
  readonly seed: UserSeed;
  readonly sub: string;
  readonly logins: readonly string[];
  readonly fingerprint: string;
}

const insert = async (parts: SeedingParts, { seed, sub, logins, fingerprint }: PlannedAccount) => {
  const nowMs = parts.clock.now();
  return parts.records.insert({
    sub,
    logins,
    username: seed.username,
    passwordHash: await parts.hasher.hash(parts.tenant, seed.password),
    ...(seed.email === undefined ? {} : { email: seed.email, emailVerified: seed.emailVerified }),
    claims: seed.claims,
    groups: seed.groups,
    roles: seed.roles,
    origin: 'demo',
    seed: fingerprint,
    createdAt: nowMs,
    updatedAt: nowMs,
    version: 1,
  });
};

const renew = async (
  { tenant, records, hasher, clock }: SeedingParts,
  { seed, sub, logins, fingerprint }: PlannedAccount,
  stored: AccountRecord,
): Promise<boolean> => {
  const nowMs = clock.now();
  const isSamePassword =
    stored.passwordHash !== undefined &&
    (await hasher.verify(tenant, stored.passwordHash, seed.password)).isValid;
  const password = isSamePassword
    ? {}
    : { passwordHash: await hasher.hash(tenant, seed.password), notBefore: endOfSessions(nowMs) };
  const patch = {
    ...password,
    logins,
    username: seed.username,
    email: seed.email,
    emailVerified: seed.email === undefined ? undefined : seed.emailVerified,
    claims: seed.claims,
    groups: seed.groups,
    roles: seed.roles,
    seed: fingerprint,
    updatedAt: nowMs,
  };
  return records.update(sub, patch, stored.version);
};
