import type { AccountRecord } from '../storage/storage.ts';

/** May this subject receive or use tokens now? Asked on every grant, at refresh, introspection and userinfo. */
export const mayHoldTokens = (account: AccountRecord | undefined): account is AccountRecord =>
  account !== undefined && account.disabledAt === undefined && account.lockedAt === undefined;

/** Is a session that began then (epoch seconds) still good? Not after a password change or forced logout. */
export const isSessionCurrent = (account: AccountRecord, signedInAt: number): boolean =>
  account.notBefore === undefined || signedInAt >= account.notBefore;

/**
 * The `notBefore` that ends every session begun until now. Rounded up: sessions know whole seconds only, and
 * one that began within this very second must end as well.
 */
export const endOfSessions = (nowMs: number): number => Math.ceil(nowMs / 1000);
